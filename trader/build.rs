//! The page is built by npm before the binary is, and embedded. Without it there is an empty folder,
//! so that the binary builds all the same, and so that cargo has something to watch.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("dashboard/dist")?;
    println!("cargo:rerun-if-changed=dashboard/dist");
    Ok(())
}
