//! Builds the web interface (web/ to web/dist) when it is stale, then writes `assets.rs` with a constant for every
//! asset and icon, so that a wrong name in a template is a compile error.
//!
//! `PHAROS_WEB=prebuilt` takes web/dist as it is, `PHAROS_WEB=stub` makes empty constants; both work without Node.js.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the build reads, under web/. Anything else there does not make it stale.
const INPUTS: [&str; 11] = [
    "css",
    "islands",
    "lib",
    "lang",
    "icons.txt",
    "entries.txt",
    "build.mjs",
    "installed.mjs",
    "package.json",
    "package-lock.json",
    ".npmrc",
];
/// Constants of the manifest that do not come from entries.txt.
const EXTRA: [&str; 5] = [
    "IBM_PLEX_SANS_ARABIC_ARABIC_400_NORMAL",
    "IBM_PLEX_SANS_ARABIC_ARABIC_600_NORMAL",
    "INTER_LATIN_WGHT_NORMAL",
    "JETBRAINS_MONO_LATIN_WGHT_NORMAL",
    "LICENCES_TXT",
];

type Outcome<T> = Result<T, String>;

fn main() {
    if let Err(message) = run() {
        // Cargo shows what a failed build script wrote to standard error.
        let _shown = writeln!(std::io::stderr(), "\n== web interface ==\n{message}\n");
        std::process::exit(1);
    }
}

fn run() -> Outcome<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|e| e.to_string())?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|e| e.to_string())?);
    let web = root.join("web");
    let dist = web.join("dist");
    for input in INPUTS {
        println!("cargo:rerun-if-changed=web/{input}");
    }
    println!("cargo:rerun-if-changed=web/build.rs");
    println!("cargo:rerun-if-env-changed=PHAROS_WEB");
    println!("cargo:rerun-if-env-changed=PHAROS_NPM");
    println!("cargo:rerun-if-env-changed=DOCS_RS");

    // An editor's check and a build may run at once.
    let lock = fs::File::create(web.join(".build.lock")).map_err(|e| format!("cannot create web/.build.lock: {e}"))?;
    lock.lock().map_err(|e| format!("cannot lock web/.build.lock: {e}"))?;
    let mode = if env::var_os("DOCS_RS").is_some() { "stub".to_owned() } else { env::var("PHAROS_WEB").unwrap_or_default() };
    if mode != "stub" {
        // A deleted or replaced web/dist must be noticed too.
        println!("cargo:rerun-if-changed=web/dist/manifest.tsv");
    }
    match mode.as_str() {
        "prebuilt" if dist.join("manifest.tsv").exists() => {}
        "prebuilt" => return Err("PHAROS_WEB=prebuilt, but web/dist/manifest.tsv does not exist.".to_owned()),
        "stub" => return stub(&web, &dist, &out),
        "" => {
            let want = format!("{:016x}", hash_inputs(&web)?);
            if fs::read_to_string(dist.join(".stamp")).unwrap_or_default().trim() != want {
                build(&web, &dist, &want)?;
            }
        }
        other => return Err(format!("PHAROS_WEB={other} is not known: use prebuilt, stub, or leave it unset.")),
    }
    let read = |name: &str| fs::read_to_string(dist.join(name)).map_err(|e| format!("cannot read web/dist/{name}: {e}"));
    let manifest = read("manifest.tsv")?;
    known_to_stub(&web, &manifest)?;
    generate(&manifest, &read("icons.tsv")?, &out)
}

/// Every constant must be one that a build without Node.js makes too, or that build breaks unseen.
fn known_to_stub(web: &Path, manifest: &str) -> Outcome<()> {
    let known = stub_assets(web)?;
    let mut names = manifest.lines().filter_map(|line| line.split('\t').next());
    match names.find(|name| !known.iter().any(|known| known == name)) {
        Some(name) => {
            Err(format!("the constant {name} of web/dist/manifest.tsv is neither in web/entries.txt nor in EXTRA of web/build.rs"))
        }
        None => Ok(()),
    }
}

/// Installs the packages of the lock file when they are not there, then bundles.
fn build(web: &Path, dist: &Path, want: &str) -> Outcome<()> {
    let version = Command::new("node").arg("--version").output().ok().filter(|done| done.status.success());
    let Some(version) = version else {
        return Err("Node.js was not found, and the web interface in web/dist is missing or stale.\n\
             Do one of these:\n\
             \x20 1. install Node.js 20.19 or newer and run cargo again;\n\
             \x20 2. build it elsewhere (cd web && npm ci && npm run build), copy web/dist here,\n\
             \x20    and run cargo with PHAROS_WEB=prebuilt;\n\
             \x20 3. build without the web interface: PHAROS_WEB=stub cargo build."
            .to_owned());
    };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (20, 19) {
        return Err(format!("Node.js {version} is too old to build the web interface: 20.19 or newer is needed."));
    }
    let npm = env::var("PHAROS_NPM").unwrap_or_else(|_| if cfg!(windows) { "npm.cmd" } else { "npm" }.to_owned());
    let installed = Command::new("node").arg("installed.mjs").current_dir(web).status();
    if !installed.is_ok_and(|status| status.success()) {
        command(
            &npm,
            &["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            web,
            "npm ci failed. It needs a package registry once, or a filled npm cache; see the output above.",
        )?;
    }
    command("node", &["build.mjs"], web, "building the web interface failed; see the output above.")?;
    write(&dist.join(".stamp"), want)?;
    // Cargo compares this file's time with the start of this run: when it is newer, the next build runs once more.
    let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    let manifest = fs::File::options().write(true).open(dist.join("manifest.tsv"));
    manifest.and_then(|file| file.set_modified(past)).map_err(|e| format!("cannot date web/dist/manifest.tsv: {e}"))
}

fn command(program: &str, args: &[&str], dir: &Path, hint: &str) -> Outcome<()> {
    let done = Command::new(program).args(args).current_dir(dir).env("NO_COLOR", "1").output();
    match done {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => {
            let mut stderr = std::io::stderr();
            let _shown = stderr.write_all(&done.stdout).and_then(|()| stderr.write_all(&done.stderr));
            Err(hint.to_owned())
        }
        Err(e) => Err(format!("cannot run {program}: {e}. {hint}")),
    }
}

fn write(path: &Path, text: &str) -> Outcome<()> {
    fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn hash_inputs(web: &Path) -> Outcome<u64> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&web.join(input), &mut files)?;
    }
    files.sort();
    let mut hash = FNV_START;
    for file in files {
        let name = file.strip_prefix(web).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let bytes = fs::read(&file).map_err(|e| format!("cannot read web/{name}: {e}"))?;
        hash = fnv(&bytes, fnv(name.as_bytes(), hash));
    }
    Ok(hash)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(|e| e.to_string())? {
            collect(&entry.map_err(|e| e.to_string())?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}

fn constant(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// No Node.js, no interface: every constant exists and is empty, so that check, clippy, tests and docs work.
fn stub(web: &Path, dist: &Path, out: &Path) -> Outcome<()> {
    fs::create_dir_all(dist.join("assets")).map_err(|e| format!("cannot create web/dist/assets: {e}"))?;
    let empty = |name: String| format!("{name}\t\n");
    let assets: String = stub_assets(web)?.into_iter().map(empty).collect();
    let icons: String = source(web, "icons.txt")?.split_whitespace().map(|name| empty(constant(name))).collect();
    generate(&assets, &icons, out)
}

fn source(web: &Path, name: &str) -> Outcome<String> {
    fs::read_to_string(web.join(name)).map_err(|e| format!("cannot read web/{name}: {e}"))
}

/// The names of all constants but those of icons.
fn stub_assets(web: &Path) -> Outcome<Vec<String>> {
    let mut assets: Vec<String> = EXTRA.iter().map(|name| (*name).to_owned()).collect();
    for line in source(web, "entries.txt")?.lines() {
        let file = line.rsplit(['/', ' ']).next().unwrap_or_default();
        match file.strip_suffix(".ts") {
            Some(stem) => assets.extend([format!("{}_JS", constant(stem)), format!("{}_DEPS", constant(stem))]),
            None => assets.push(constant(file)),
        }
    }
    Ok(assets)
}

/// Lines of `assets`: constant, tab, `/assets/name-HASH.ext`. Lines of `icons`: constant, tab, SVG.
fn generate(assets: &str, icons: &str, out: &Path) -> Outcome<()> {
    let mut text = String::new();
    for (table, module, what) in [(assets, "asset", "Paths of built files."), (icons, "icon", "Icons as inline SVG.")] {
        text.push_str(&format!("/// {what}\npub mod {module} {{\n"));
        for (name, value) in table.lines().filter_map(|line| line.split_once('\t')) {
            text.push_str(&format!("    /// From the web build.\n    pub const {name}: &str = {value:?};\n"));
        }
        text.push_str("}\n");
    }
    write(&out.join("assets.rs"), &text)
}
