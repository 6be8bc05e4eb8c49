//! The `consign` command.

fn main() {
    println!("consign {}", env!("CARGO_PKG_VERSION"));
}
