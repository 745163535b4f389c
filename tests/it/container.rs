//! What a container gives the binary is enough: an empty root that nothing may write to, one folder for data, another
//! user, and no files of a system around.
//!
//! Without a registry no image can be made here, so the test builds the root by hand: the binary, the C library and
//! libgcc, as the last stage of `docker/Dockerfile` has them. It needs root and Linux namespaces, and is skipped with
//! a line where there are none.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pharos::platform::config::yaml::{self, Kind, Node};

use crate::support::{client, free_port, skip};

/// The user of the image.
const USER: u32 = 65532;
/// Libraries that the last stage has: those of the C library, and libgcc which is copied there.
const LIBRARIES: [&str; 4] = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux"];

fn docker(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docker").join(file)).unwrap()
}

/// Shared libraries of the binary by name and path.
fn libraries() -> Vec<(String, PathBuf)> {
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_pharos")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    text.lines().filter_map(|line| Some((line.split_whitespace().next()?.to_owned(), path(line)?))).collect()
}

/// A root with the binary and its libraries, and nothing else but where to mount.
fn empty_root(root: &Path) -> PathBuf {
    for (name, path) in libraries() {
        assert!(LIBRARIES.iter().any(|known| name.contains(known)), "the image has no {name}");
        let to = root.join(path.strip_prefix("/").unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
    fs::copy(env!("CARGO_BIN_EXE_pharos"), root.join("pharos")).unwrap();
    let data = root.join("data");
    for folder in ["data", "proc", "sys"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    chown(&data, Some(USER), Some(USER)).unwrap();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    data
}

/// A command in the root, as the image's user, without anything of this environment.
fn inside(root: &Path, port: u16, command: &str) -> Command {
    let root = root.display();
    let script = format!(
        "mount --bind {root} {root} && mount --bind {root}/data {root}/data && mount -t proc proc {root}/proc && \
         mount --rbind /sys {root}/sys && mount -o remount,bind,ro {root} && \
         exec chroot --userspec={USER}:{USER} --groups={USER} {root} {command}"
    );
    let mut unshared = Command::new("unshare");
    unshared.args(["--mount", "--propagation", "private", "sh", "-c", &script]).env_clear();
    unshared.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("PHAROS_STORAGE_PATH", "/data");
    unshared.env("PHAROS_SERVER_LISTEN", format!("127.0.0.1:{port}"));
    unshared
}

/// Stops when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill().is_err();
        let _gone = self.0.wait().is_err();
    }
}

/// Why such a root cannot be made here, if so.
fn cannot() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("an empty root can be made by root only");
    }
    let works = |program: &str, args: &[&str]| Command::new(program).args(args).output().is_ok_and(|output| output.status.success());
    if !works("unshare", &["--mount", "--propagation", "private", "true"]) {
        return Some("this system gives no mount namespaces");
    }
    (!works("chroot", &["--version"]) || !works("ldd", &["--version"])).then_some("chroot or ldd is not installed")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a start takes is the machine's time")]
fn runs_in_an_empty_root() {
    if let Some(why) = cannot() {
        return skip(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    // The folder of a test belongs to root alone; the image's user must pass through.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = empty_root(&root);
    assert!(["tmp", "etc", "usr/share", "var"].iter().all(|missing| !root.join(missing).exists()));
    let (port, log) = (free_port(), folder.path().join("log"));
    let started = Instant::now();
    let process = inside(&root, port, "/pharos serve").stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    let mut running = Running(process);
    let said = || fs::read_to_string(&log).unwrap();
    let page = loop {
        if let Ok(answer) = client().get(format!("http://127.0.0.1:{port}/")).send()
            && answer.status().is_success()
        {
            // Filled: a tile shows bytes of this machine or of the server.
            let page = answer.text().unwrap();
            if page.contains("iB</small>") {
                break page;
            }
        }
        assert!(running.0.try_wait().unwrap().is_none(), "it stopped: {}", said());
        assert!(started.elapsed() < Duration::from_secs(180), "no page within three minutes: {}", said());
        std::thread::park_timeout(Duration::from_millis(10));
    };
    let took = started.elapsed();
    println!("container: from start to the first filled page {} ms (debug build)", took.as_millis());
    assert!(page.contains("id=\"tiles\"") && page.contains("</html>"));
    let pid = running.0.id();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains(&format!("Uid:\t{USER}\t{USER}")), "{status}");
    let refused = fs::write(format!("/proc/{pid}/root/probe"), "x").unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ReadOnlyFilesystem, "{refused}");
    assert!(data.join("pharos.db").exists() && data.join("metrics").is_dir(), "data is in the volume");
    assert!(!said().contains("level=error") && !said().contains("panicked"), "{}", said());

    // The health check of the image finds the server by itself, and fails where there is none.
    let healthy = inside(&root, port, "/pharos check healthy").output().unwrap();
    assert!(healthy.status.success(), "{}", String::from_utf8_lossy(&healthy.stderr));
    // No test is given a port so low.
    let nobody = inside(&root, 1, "/pharos check healthy").output().unwrap();
    assert_eq!(nobody.status.code(), Some(1), "{}", String::from_utf8_lossy(&nobody.stdout));

    let asked = Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert!(asked.success());
    let ended = running.0.wait().unwrap();
    assert!(ended.success() && said().contains("stopped"), "{ended}: {}", said());
}

fn child<'a>(node: &'a Node, path: &[&str]) -> &'a Node {
    path.iter().fold(node, |node, key| node.get(key).unwrap_or_else(|| panic!("no {key} in {path:?}")))
}

fn texts(node: &Node) -> Vec<&str> {
    let Kind::List(items) = &node.kind else { panic!("{node:?} is no list") };
    items.iter().map(text).collect()
}

fn text(node: &Node) -> &str {
    let Kind::Scalar { text, .. } = &node.kind else { panic!("{node:?} is no text") };
    text
}

#[test]
fn the_image_and_its_compose_file_are_closed() {
    let compose = yaml::parse(&docker("compose.yml")).unwrap().root;
    let service = child(&compose, &["services", "pharos"]);
    assert_eq!(text(child(service, &["read_only"])), "true");
    assert_eq!(texts(child(service, &["ports"])), ["127.0.0.1:9090:9090"], "open to this machine only");
    assert_eq!(texts(child(service, &["volumes"])), ["pharos-data:/data", "/:/host:ro,rslave"]);
    assert_eq!(text(child(service, &["environment", "PHAROS_HOST_PROCFS"])), "/host/proc");
    assert!(service.get("privileged").is_none() && service.get("network_mode").is_none());
    let image = docker("Dockerfile");
    for line in ["VOLUME /data", "USER 65532:65532", "ENTRYPOINT [\"/pharos\"]", "CMD [\"serve\"]", "\"/pharos\", \"check\", \"healthy\"]"]
    {
        assert!(image.contains(line), "{line}");
    }
    // Signing in protects what others can reach; nothing may turn that off on the quiet.
    for file in ["Dockerfile", "compose.yml", "pharos.service"] {
        let text = docker(file).to_uppercase();
        assert!(!text.contains("ALLOW_OPEN") && !text.contains("AUTH_ENABLED") && !text.contains("--AUTH"), "{file}");
    }
    let stages: Vec<&str> = image.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert!(stages[..2].iter().all(|stage| stage.contains("--platform=$BUILDPLATFORM")), "builders are not emulated: {stages:?}");
    assert!(stages[2].contains("distroless") && stages[2].ends_with(":nonroot"), "{stages:?}");
}

#[test]
fn systemd_takes_the_unit() {
    let unit = docker("pharos.service");
    for line in ["DynamicUser=yes", "ProtectSystem=strict", "StateDirectory=pharos", "NoNewPrivileges=yes", "LimitNOFILE=65536"] {
        assert!(unit.contains(line), "{line}");
    }
    if !Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return skip("systemd is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pharos.service");
    // The binary is not installed where the unit expects it.
    fs::write(&file, unit.replace("/usr/local/bin/pharos", env!("CARGO_BIN_EXE_pharos"))).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&file).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !said.contains("pharos.service:"), "{said}");
}
