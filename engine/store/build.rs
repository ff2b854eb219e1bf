//! A new migration is a reason to build anew: the compiler alone would not see it.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
