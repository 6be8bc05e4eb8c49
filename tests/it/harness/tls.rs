//! TLS before a service, with a certificate of the test's own authority, and a proxy before that.
//!
//! By way of the proxy any host name leads to the service. So it is a public host for the tool,
//! which does not know that all of it is on this machine.

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

/// The host of the API for whoever comes by way of the proxy.
pub(crate) const API_HOST: &str = "api.example.com";

/// The host of the storage, likewise.
pub(crate) const STORAGE_HOST: &str = "storage.example.com";

/// A host's certificate, with its key, and the authority that has signed it.
#[derive(Clone)]
pub(crate) struct TestCertificate {
    config: Arc<ServerConfig>,
    authority: String,
}

impl TestCertificate {
    /// One that is good for all hosts of these tests.
    pub(crate) fn good() -> Self {
        Self::of(["localhost", API_HOST, STORAGE_HOST], |_| {})
    }

    /// One of these hosts, which may be changed before it is signed.
    pub(crate) fn of<const N: usize>(
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

    /// One that nobody else has signed.
    pub(crate) fn signed_by_itself() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::new(&certificate, &key, Self::good().authority)
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair, authority: String) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self {
            config: Arc::new(config),
            authority,
        }
    }

    /// The authority's certificate, for `--ca-file`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The file with all authorities that the system of a run knows: one, which signs for nobody. A system's
/// own are a hundred and more, and reading them would be most of what a run has to compute.
pub(super) static SYSTEM_AUTHORITIES: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Renamed when it is whole: other processes may be at it, too.
    let unfinished = NamedTempFile::new_in(folder).unwrap().into_temp_path();
    std::fs::write(&unfinished, authority("the system's").pem()).unwrap();
    let file = folder.join("authorities.pem");
    unfinished.persist(&file).unwrap();
    file
});

/// Takes connections with TLS and passes what they carry on to `to`.
pub(super) async fn terminate(listener: TcpListener, certificate: TestCertificate, to: SocketAddr) {
    let acceptor = TlsAcceptor::from(certificate.config);
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Whoever does not trust the certificate goes away here.
            if let Ok(mut inside) = acceptor.accept(connection).await {
                let mut service = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut inside, &mut service).await;
            }
        });
    }
}

/// A proxy by way of which every host is the same one.
#[derive(Debug)]
pub(crate) struct TunnelProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    refused: Arc<Mutex<Option<RefusedHost>>>,
}

/// The host to which a proxy lets nobody, and the status with which it says so.
type RefusedHost = (&'static str, u16);

impl TunnelProxy {
    /// Starts one that leads to `to`.
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
            asked,
            refused,
        }
    }

    /// Lets nobody through to a host from now on, and says so with this status.
    pub(crate) fn refuse(&self, host: &'static str, status: u16) {
        *self.refused.lock().unwrap() = Some((host, status));
    }

    /// How often it was asked for a tunnel to a host.
    pub(crate) fn asked_for(&self, host: &str) -> usize {
        let start = format!("CONNECT {host}:443 ");
        let asked = self.asked();
        asked.iter().filter(|head| head.starts_with(&start)).count()
    }

    /// Its URL for somebody with this user and password.
    pub(crate) fn url(&self, user: &str) -> String {
        format!("http://{user}@{}", self.address)
    }

    /// Its host and port.
    pub(crate) fn label(&self) -> String {
        self.address.to_string()
    }

    /// What it was asked for: the heads of the requests.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

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
