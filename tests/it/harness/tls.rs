//! TLS in front of a service, with a certificate of the test's own authority, and a tunnel proxy in
//! front of TLS.
//!
//! Through the tunnel proxy every host name leads to the service. The tool therefore sees a public
//! host, and does not notice that all servers are on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use tempfile::NamedTempFile;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Host name of the API through the tunnel proxy.
pub(crate) const API_HOST: &str = "api.example.com";

/// Host name of the storage through the tunnel proxy.
pub(crate) const STORAGE_HOST: &str = "storage.example.com";

/// Certificate of a host with its key, and the authority which signed it.
#[derive(Clone)]
pub(crate) struct TestCertificate {
    config: Arc<ServerConfig>,
    authority_pem: String,
}

impl TestCertificate {
    /// Certificate valid for all hosts of the tests.
    pub(crate) fn valid() -> Self {
        Self::for_hosts(["localhost", API_HOST, STORAGE_HOST], |_| {})
    }

    /// Certificate for the given hosts. `change` alters the parameters before the signature.
    pub(crate) fn for_hosts<const N: usize>(
        hosts: [&str; N],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let authority = authority("the authority of a test");
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(hosts.map(str::to_owned)).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &authority).unwrap();
        Self::new(&certificate, &key, authority.pem())
    }

    /// Certificate signed by its own key alone.
    pub(crate) fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::new(&certificate, &key, Self::valid().authority_pem)
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair, authority_pem: String) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self {
            config: Arc::new(config),
            authority_pem,
        }
    }

    /// Returns the authority's certificate as PEM, for `--ca-file`.
    pub(crate) fn authority_pem(&self) -> &str {
        &self.authority_pem
    }
}

/// Creates a certificate authority.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Path of the file with all authorities known to the system of a run: a single authority, which
/// signs no certificate. A real system has a hundred and more, and reading them would be most of
/// the computing in a run.
pub(super) static SYSTEM_AUTHORITIES: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // The complete file is renamed into place, since other processes may use the file, too.
    let unfinished = NamedTempFile::new_in(folder).unwrap().into_temp_path();
    std::fs::write(&unfinished, authority("the system's").pem()).unwrap();
    let file = folder.join("authorities.pem");
    unfinished.persist(&file).unwrap();
    file
});

/// Accepts TLS connections, and passes their content on to `to`.
pub(super) async fn terminate_tls(
    listener: TcpListener,
    certificate: TestCertificate,
    to: SocketAddr,
) {
    let acceptor = TlsAcceptor::from(certificate.config);
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A client without trust in the certificate goes away here.
            if let Ok(mut inside) = acceptor.accept(connection).await {
                let mut service = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut inside, &mut service).await;
            }
        });
    }
}

/// Tunnel proxy which leads every host to one address.
#[derive(Debug)]
pub(crate) struct TunnelProxy {
    address: SocketAddr,
    request_heads: Arc<Mutex<Vec<String>>>,
    refused_host: Arc<Mutex<Option<RefusedHost>>>,
}

/// Host refused by a proxy, and the status of the refusal.
type RefusedHost = (&'static str, u16);

impl TunnelProxy {
    /// Starts a proxy which leads to `to`.
    pub(super) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let refused = Arc::<Mutex<Option<RefusedHost>>>::default();
        let (heard, closed) = (Arc::clone(&asked), Arc::clone(&refused));
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let closed = *closed.lock().unwrap();
                tokio::spawn(tunnel(client, to, Arc::clone(&heard), closed));
            }
        });
        Self {
            address,
            request_heads: asked,
            refused_host: refused,
        }
    }

    /// Refuses tunnels to a host from now on, with the given status.
    pub(crate) fn refuse_host(&self, host: &'static str, status: u16) {
        *self.refused_host.lock().unwrap() = Some((host, status));
    }

    /// Counts the requests for a tunnel to a host.
    pub(crate) fn count_tunnels_to(&self, host: &str) -> usize {
        let start = format!("CONNECT {host}:443 ");
        let asked = self.request_heads();
        asked.iter().filter(|head| head.starts_with(&start)).count()
    }

    /// Returns the proxy's URL with the given user and password.
    pub(crate) fn url(&self, user: &str) -> String {
        format!("http://{user}@{}", self.address)
    }

    /// Returns host and port.
    pub(crate) fn label(&self) -> String {
        self.address.to_string()
    }

    /// Returns the heads of all tunnel requests.
    pub(crate) fn request_heads(&self) -> Vec<String> {
        self.request_heads.lock().unwrap().clone()
    }
}

/// Handles one client of the tunnel proxy: refuses the tunnel, or connects the client to `to`.
async fn tunnel(
    mut client: TcpStream,
    to: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    refused: Option<RefusedHost>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    asked.lock().unwrap().push(head.clone());
    if let Some((host, status)) = refused
        && head.starts_with(&format!("CONNECT {host}:443 "))
    {
        let refusal = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        let _ = client.write_all(refusal.as_bytes()).await;
        return;
    }
    let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
    if client.write_all(established).await.is_ok() {
        let mut service = TcpStream::connect(to).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut service).await;
    }
}
