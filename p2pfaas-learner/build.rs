//! With libtorch (feature `torch`): this package's own programs and tests find it where they were
//! linked with it, and keep its GPU part, which nothing refers to by name.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let has = |feature: &str| std::env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    let libtorch = std::env::var("LIBTORCH").unwrap_or_default();
    if libtorch.is_empty() || !has("TORCH") || has("TORCH_DOC_ONLY") {
        return;
    }
    println!("cargo:rustc-link-search=native={libtorch}/lib");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-ltorch,--as-needed");
}
