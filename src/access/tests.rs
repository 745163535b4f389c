//! Signing in, sessions, second factor, set-up and tokens against a real database and a clock moved by hand.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Access, AccessError, AccessSettings, AuditFilter, AuthMode, Caller, Identity, NewToken, Origin, Role, Scope, UserChange,
    end_all_sessions,
};
use crate::base::clock::ManualClock;
use crate::base::secret::Secret;
use crate::platform::db::Db;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const GOOD: &str = "correct horse battery";

struct House {
    access: Arc<Access>,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

impl House {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(1_763_714_000_000);
        let access = Self::open(&folder, &clock);
        Self { access, clock, folder }
    }

    fn open(folder: &tempfile::TempDir, clock: &Arc<ManualClock>) -> Arc<Access> {
        let db = Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap());
        let settings = AccessSettings {
            mode: AuthMode::On,
            session_idle: DAY * 7,
            session_age: DAY * 30,
            outside_session_age: DAY / 2,
            audit_keep: DAY * 365,
        };
        Access::open(db, Arc::clone(clock) as _, settings).unwrap()
    }

    async fn with_ann() -> (Self, String) {
        let house = Self::empty();
        let code = house.access.begin_setup().unwrap().expect("nobody is there");
        let cookie = house.access.set_up(code.expose(), "ann", Secret::new(GOOD), &here()).await.unwrap();
        (house, cookie.expose().to_owned())
    }
}

fn here() -> Origin {
    Origin { address: IpAddr::from([127, 0, 0, 1]), agent: "test".to_owned() }
}

fn from(address: [u8; 4]) -> Origin {
    Origin { address: IpAddr::from(address), agent: "test".to_owned() }
}

fn sentence<T: std::fmt::Debug>(result: Result<T, AccessError>) -> String {
    result.expect_err("refused").to_string()
}

#[tokio::test]
async fn a_restored_server_knows_nobody_by_their_cookie() {
    let (house, cookie) = House::with_ann().await;
    let restored = Db::open(&house.folder.path().join("pharos.db")).unwrap();
    assert!(house.access.by_cookie(&cookie, here().address).is_some());
    end_all_sessions(&restored).unwrap();
    house.access.reload().unwrap();
    assert!(house.access.by_cookie(&cookie, here().address).is_none());
    assert!(house.access.sign_in("ann", Secret::new(GOOD), "", &here()).await.is_ok(), "with the password they come in");
}

#[tokio::test]
async fn the_set_up_code_makes_one_administrator() {
    let house = House::empty();
    let code = house.access.begin_setup().unwrap().unwrap();
    assert!(sentence(house.access.set_up("2222-2222-2222-2222", "eve", Secret::new(GOOD), &here()).await).contains("not the one"));
    let newest = house.access.audit(&AuditFilter { limit: 1, ..AuditFilter::default() }).unwrap();
    assert_eq!(newest.first().map(|line| line.action.as_str()), Some("sign-in.failed"), "guessing at the code is written down");
    assert!(sentence(house.access.set_up(code.expose(), "ann", Secret::new("short"), &here()).await).contains("too short"));
    let cookie = house.access.set_up(code.expose(), "ann", Secret::new(GOOD), &here()).await.unwrap();
    let person = house.access.by_cookie(cookie.expose(), here().address).unwrap();
    assert_eq!((person.name.as_str(), person.role), ("ann", Role::Admin));
    assert!(house.access.set_up(code.expose(), "eve", Secret::new(GOOD), &here()).await.is_err(), "the code is used up");
    assert!(house.access.begin_setup().unwrap().is_none());
}

#[tokio::test]
async fn signing_in_needs_the_right_password_and_never_says_which_part_is_wrong() {
    let (house, _) = House::with_ann().await;
    for (name, password) in [("ann", "wrong horse battery"), ("nobody", GOOD)] {
        let error = sentence(house.access.sign_in(name, Secret::new(password), "", &here()).await);
        assert_eq!(error, "name, password or code is wrong");
    }
    let cookie = house.access.sign_in("ANN", Secret::new(GOOD), "", &here()).await.unwrap();
    assert!(house.access.by_cookie(cookie.expose(), here().address).is_some());
    assert!(house.access.by_cookie("guess", here().address).is_none());
}

#[tokio::test]
async fn guessing_is_throttled_where_it_happens_only() {
    let (house, _) = House::with_ann().await;
    let evil = from([10, 0, 0, 66]);
    let mut throttled = 0;
    for _ in 0..10_000 {
        match house.access.sign_in("ann", Secret::new("wrong horse battery"), "", &evil).await {
            Err(AccessError::Throttled(_)) => throttled += 1,
            Err(AccessError::Wrong) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(throttled >= 9_990, "{throttled}");
    assert!(matches!(house.access.sign_in("ann", Secret::new(GOOD), "", &evil).await, Err(AccessError::Throttled(_))));
    assert!(house.access.sign_in("ann", Secret::new(GOOD), "", &from([10, 0, 0, 7])).await.is_ok());
}

#[tokio::test]
async fn sessions_end_by_idleness_age_sign_out_and_being_kept_out() {
    let (house, cookie) = House::with_ann().await;
    let access = &house.access;
    let is_in = |cookie: &str| access.by_cookie(cookie, here().address).is_some();
    house.clock.advance(DAY * 6);
    assert!(is_in(&cookie), "six idle days of seven");
    house.clock.advance(DAY * 6);
    assert!(is_in(&cookie), "the use six days ago counts");
    house.clock.advance(DAY * 8);
    assert!(!is_in(&cookie), "eight idle days");
    let cookie = access.sign_in("ann", Secret::new(GOOD), "", &here()).await.unwrap().expose().to_owned();
    for _ in 0..5 {
        assert!(is_in(&cookie));
        house.clock.advance(DAY * 6);
    }
    assert!(!is_in(&cookie), "thirty days old");
    let cookie = access.sign_in("ann", Secret::new(GOOD), "", &here()).await.unwrap().expose().to_owned();
    let person = access.by_cookie(&cookie, here().address).unwrap();
    access.sign_out(&person, &here()).await.unwrap();
    assert!(!is_in(&cookie));
    let bob = access.create_user("ann", "bob", "", Role::Viewer, Some(Secret::new(GOOD)), &here()).await.unwrap();
    let cookie = access.sign_in("bob", Secret::new(GOOD), "", &here()).await.unwrap().expose().to_owned();
    access.change_user("ann", bob.id, UserChange { disabled: Some(true), ..UserChange::default() }, &here()).await.unwrap();
    assert!(!is_in(&cookie));
    assert!(access.sign_in("bob", Secret::new(GOOD), "", &here()).await.is_err());
}

#[tokio::test]
async fn cookies_are_exchanged_daily_and_the_old_one_has_a_moment() {
    let (house, old) = House::with_ann().await;
    let access = &house.access;
    assert!(access.rotated(&old).await.unwrap().is_none());
    house.clock.advance(DAY + Duration::from_secs(1));
    let new = access.rotated(&old).await.unwrap().expect("a day has gone").expose().to_owned();
    let is_in = |cookie: &str| access.by_cookie(cookie, here().address).is_some();
    assert!(is_in(&old) && is_in(&new));
    house.clock.advance(Duration::from_secs(61));
    assert!(!is_in(&old) && is_in(&new));
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let (house, cookie) = House::with_ann().await;
    let new = NewToken { name: "ci".to_owned(), scopes: vec![Scope::MetricsWrite], expires_ms: None, rate_max: None };
    let (_, token) = house.access.create_token("ann", new, &here()).await.unwrap();
    house.access.tend().await.unwrap();
    let House { access, clock, folder } = house;
    drop(access);
    let access = House::open(&folder, &clock);
    assert!(access.by_cookie(&cookie, here().address).is_some());
    assert!(matches!(access.by_token(token.expose(), here().address), Caller::Token(_)));
    assert!(access.begin_setup().unwrap().is_none());
    let stored = std::fs::read(folder.path().join("pharos.db")).unwrap();
    for secret in [cookie.as_str(), token.expose(), GOOD] {
        assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()), "no secret is on disk");
    }
}

#[tokio::test]
async fn tokens_expire_and_are_revoked() {
    let (house, _) = House::with_ann().await;
    let access = &house.access;
    let now = 1_763_714_000_000;
    let new = |expires_ms| NewToken { name: "ci".to_owned(), scopes: vec![Scope::Read], expires_ms, rate_max: Some(5.0) };
    assert!(sentence(access.create_token("ann", new(Some(now)), &here()).await).contains("ended already"));
    let (_, brief) = access.create_token("ann", new(Some(now + 1000)), &here()).await.unwrap();
    let (kept, long) = access.create_token("ann", new(None), &here()).await.unwrap();
    let is_good = |token: &Secret| matches!(access.by_token(token.expose(), here().address), Caller::Token(_));
    assert!(is_good(&brief) && is_good(&long));
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(access.by_token(brief.expose(), here().address), Caller::Nobody(Some("this token has expired")));
    access.tend().await.unwrap();
    assert_eq!(access.tokens().unwrap()[0].used_ms, Some(now));
    access.revoke_token("ann", kept.id, &here()).await.unwrap();
    assert!(!is_good(&long));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_works_once() {
    let (house, cookie) = House::with_ann().await;
    let access = &house.access;
    let ann = access.by_cookie(&cookie, here().address).unwrap();
    let enrolment = access.enrol(&ann).unwrap();
    assert!(enrolment.url.expose().starts_with("otpauth://totp/pharos"));
    let code = |seconds: i64| {
        let secret = totp_rs::Secret::try_from_base32(enrolment.secret.expose()).unwrap();
        let totp = totp_rs::Builder::new().with_algorithm(totp_rs::Algorithm::SHA1).with_secret(secret).build().unwrap();
        totp.generate(u64::try_from(seconds).unwrap()).to_string()
    };
    let now = 1_763_714_000;
    assert!(access.enable_totp(&ann, enrolment.secret.expose(), "000000", &here()).await.is_err());
    let recovery = access.enable_totp(&ann, enrolment.secret.expose(), &code(now), &here()).await.unwrap();
    let again = access.enable_totp(&ann, enrolment.secret.expose(), &code(now), &here()).await;
    assert!(sentence(again.map(|codes| codes.len())).contains("on already"), "nobody replaces it without turning it off");
    let sign_in = |code: String| async move { access.sign_in("ann", Secret::new(GOOD), &code, &here()).await };
    assert!(matches!(sign_in(String::new()).await, Err(AccessError::NeedsCode)));
    assert!(matches!(sign_in(code(now)).await, Err(AccessError::Wrong)), "used for enabling");
    house.clock.advance(Duration::from_secs(30));
    assert!(sign_in(code(now + 30)).await.is_ok());
    assert!(matches!(sign_in(code(now + 30)).await, Err(AccessError::Wrong)), "used");
    assert!(sign_in(recovery[0].expose().to_uppercase()).await.is_ok());
    assert!(matches!(sign_in(recovery[0].expose().to_owned()).await, Err(AccessError::Wrong)), "used");
    access.disable_totp("ann", ann.user_id, Some(ann.session_id), &here()).await.unwrap();
    assert!(sign_in(String::new()).await.is_ok());
}

#[tokio::test]
async fn the_last_administrator_stays_and_changes_are_written_down() {
    let (house, _) = House::with_ann().await;
    let access = &house.access;
    let ann = access.users().unwrap()[0].clone();
    let demote = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
    assert!(sentence(access.change_user("ann", ann.id, demote.clone(), &here()).await).contains("last administrator"));
    assert!(sentence(access.delete_user("ann", ann.id, &here()).await).contains("last administrator"));
    access.create_user("ann", "guest", "", Role::Admin, None, &here()).await.unwrap();
    assert!(sentence(access.delete_user("ann", ann.id, &here()).await).contains("last administrator"), "who cannot sign in is none");
    access.create_user("ann", "bob", "b@x", Role::Admin, Some(Secret::new(GOOD)), &here()).await.unwrap();
    assert!(sentence(access.create_user("ann", "BOB", "", Role::Admin, None, &here()).await).contains("already"));
    for bad in ["", " x", "a\nb", "<b>"] {
        assert!(access.create_user("ann", bad, "", Role::Viewer, None, &here()).await.is_err(), "{bad:?}");
    }
    access.change_user("bob", ann.id, demote, &here()).await.unwrap();
    let lines = access.audit(&AuditFilter { limit: 10, action: Some("user.".to_owned()), ..AuditFilter::default() }).unwrap();
    let said: Vec<_> = lines.iter().map(|line| (line.actor.as_str(), line.action.as_str(), line.subject.as_str())).collect();
    assert_eq!(said, [("bob", "user.change", "ann"), ("ann", "user.create", "bob"), ("ann", "user.create", "guest")]);
    assert!(lines[0].before.as_deref().unwrap().contains("admin") && lines[0].after.as_deref().unwrap().contains("viewer"));
}

#[tokio::test]
async fn a_new_password_ends_other_sessions() {
    let (house, cookie) = House::with_ann().await;
    let access = &house.access;
    let other = access.sign_in("ann", Secret::new(GOOD), "", &here()).await.unwrap();
    let ann = access.by_cookie(&cookie, here().address).unwrap();
    let new = || Secret::new("another horse entirely");
    assert!(access.change_password(&ann, Secret::new("not this one"), new(), &here()).await.is_err());
    let renewed = access.change_password(&ann, Secret::new(GOOD), new(), &here()).await.unwrap().expect("another cookie");
    let is_in = |cookie: &str| access.by_cookie(cookie, here().address).map(|person| person.session_id);
    assert_eq!((is_in(&cookie), is_in(renewed.expose())), (None, Some(ann.session_id)), "whoever copied the cookie is out at once");
    assert!(access.by_cookie(other.expose(), here().address).is_none());
    assert!(access.sign_in("ann", Secret::new(GOOD), "", &here()).await.is_err());
    assert!(access.sign_in("ann", new(), "", &here()).await.is_ok());
}

#[tokio::test]
async fn a_password_set_by_others_ends_every_session() {
    let (house, cookie) = House::with_ann().await;
    let access = &house.access;
    let bob = access.create_user("ann", "bob", "", Role::Viewer, Some(Secret::new(GOOD)), &here()).await.unwrap();
    let bobs = access.sign_in("bob", Secret::new(GOOD), "", &here()).await.unwrap();
    let ann = access.by_cookie(&cookie, here().address).unwrap();
    // A session that is somebody else's is not renewed by a mistake about whose it is.
    let new = Secret::new("another horse entirely");
    assert_eq!(access.set_password("ann", bob.id, new, Some(ann.session_id), &here()).await.unwrap(), None);
    assert!(access.by_cookie(bobs.expose(), here().address).is_none());
    assert!(access.by_cookie(&cookie, here().address).is_some());
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let (house, first) = House::with_ann().await;
    let access = &house.access;
    let before = Caller::Person(access.by_cookie(&first, here().address).unwrap());
    let second = access.sign_in("ann", Secret::new(GOOD), "", &here()).await.unwrap();
    access.end_replaced(&before, &here()).await.unwrap();
    assert!(access.by_cookie(&first, here().address).is_none() && access.by_cookie(second.expose(), here().address).is_some());
    for other in [Caller::Nobody(None), Caller::Open, Caller::Local] {
        access.end_replaced(&other, &here()).await.unwrap();
    }
    assert!(access.by_cookie(second.expose(), here().address).is_some());
}

#[tokio::test]
async fn who_is_deleted_leaves_no_token_behind() {
    let (house, _) = House::with_ann().await;
    let access = &house.access;
    let bob = access.create_user("ann", "bob", "", Role::Admin, Some(Secret::new(GOOD)), &here()).await.unwrap();
    let token = async |maker: &str, name: &str| {
        let new = NewToken { name: name.to_owned(), scopes: vec![Scope::Read], expires_ms: None, rate_max: None };
        access.create_token(maker, new, &here()).await.unwrap().1
    };
    let (anns, bobs, bobs_other) = (token("ann", "ci").await, token("bob", "laptop").await, token("bob", "grafana").await);
    assert_eq!(access.tokens_by_maker().unwrap().get("bob"), Some(&2));
    assert_eq!(access.delete_user("ann", bob.id, &here()).await.unwrap(), 2);
    let is_good = |token: &Secret| matches!(access.by_token(token.expose(), here().address), Caller::Token(_));
    assert_eq!([&anns, &bobs, &bobs_other].map(is_good), [true, false, false]);
    let line = access.audit(&AuditFilter { limit: 1, ..AuditFilter::default() }).unwrap().remove(0);
    let after = line.after.unwrap();
    assert!(line.action == "user.delete" && after.contains("\"tokens_revoked\":2") && after.contains("grafana"), "{after}");
}

#[tokio::test]
async fn tokens_of_who_is_kept_out_wait_until_they_are_let_in_again() {
    let (house, _) = House::with_ann().await;
    let access = &house.access;
    let bob = access.create_user("ann", "bob", "", Role::Admin, Some(Secret::new(GOOD)), &here()).await.unwrap();
    let new = NewToken { name: "laptop".to_owned(), scopes: vec![Scope::Read], expires_ms: None, rate_max: None };
    let token = access.create_token("bob", new, &here()).await.unwrap().1;
    for (disabled, expected) in [(true, false), (false, true)] {
        let change = UserChange { disabled: Some(disabled), ..UserChange::default() };
        access.change_user("ann", bob.id, change, &here()).await.unwrap();
        assert_eq!(matches!(access.by_token(token.expose(), here().address), Caller::Token(_)), expected);
    }
}

#[tokio::test]
async fn the_end_of_a_second_factor_ends_other_sessions() {
    let (house, cookie) = House::with_ann().await;
    let access = &house.access;
    let ann = access.by_cookie(&cookie, here().address).unwrap();
    let is_in = |cookie: &str| access.by_cookie(cookie, here().address).is_some();
    let other = access.sign_in("ann", Secret::new(GOOD), "", &here()).await.unwrap();
    access.disable_totp("ann", ann.user_id, Some(ann.session_id), &here()).await.unwrap();
    assert!(is_in(&cookie) && !is_in(other.expose()));
    access.disable_totp("root", ann.user_id, None, &here()).await.unwrap();
    assert!(!is_in(&cookie), "somebody else turned it off");
}

#[tokio::test]
async fn people_from_elsewhere_come_back_to_be_asked_about() {
    let (house, anns) = House::with_ann().await;
    let access = &house.access;
    let eve = access.sign_in_as(&identity("7", "eve", Role::Editor), &here()).await.unwrap();
    let age = |cookie: &str| access.cookie_age(&Secret::new(cookie));
    assert_eq!((age(&anns), age(eve.expose()), age("unknown")), (DAY * 30, DAY / 2, Duration::ZERO));
    house.clock.advance(DAY / 4);
    assert_eq!((age(&anns), age(eve.expose())), (DAY * 30 - DAY / 4, DAY / 4), "the cookie ends with the session");
    let is_in = |cookie: &str| access.by_cookie(cookie, here().address).is_some();
    assert!(is_in(&anns) && is_in(eve.expose()));
    house.clock.advance(DAY / 4 + Duration::from_secs(1));
    assert!(is_in(&anns) && !is_in(eve.expose()), "used or not");
    access.tend().await.unwrap();
    let left = access.users().unwrap().into_iter().map(|user| (user.name, access.sessions(user.id).unwrap().len()));
    assert_eq!(left.collect::<Vec<_>>(), [("ann".to_owned(), 1), ("eve".to_owned(), 0)]);
}

#[tokio::test]
async fn roles_and_doors_change_at_once() {
    let (house, _) = House::with_ann().await;
    let access = &house.access;
    let bob = access.create_user("ann", "bob", "", Role::Admin, Some(Secret::new(GOOD)), &here()).await.unwrap();
    let cookie = access.sign_in("bob", Secret::new(GOOD), "", &here()).await.unwrap();
    let role = || access.by_cookie(cookie.expose(), here().address).map(|person| person.role);
    assert_eq!(role(), Some(Role::Admin));
    access.change_user("ann", bob.id, UserChange { role: Some(Role::Viewer), ..UserChange::default() }, &here()).await.unwrap();
    assert_eq!(role(), Some(Role::Viewer), "in the session that is open");
    access.delete_user("ann", bob.id, &here()).await.unwrap();
    assert_eq!(role(), None);
}

#[tokio::test]
async fn changes_by_another_process_are_taken_over() {
    let (house, cookie) = House::with_ann().await;
    let other = House::open(&house.folder, &house.clock);
    let ann = other.users().unwrap()[0].id;
    other.end_sessions("command line", ann, None, None, &here()).await.unwrap();
    assert!(house.access.by_cookie(&cookie, here().address).is_some(), "not looked for yet");
    house.access.follow().unwrap();
    assert!(house.access.by_cookie(&cookie, here().address).is_none());
}

#[tokio::test]
async fn a_cookie_is_exchanged_once_however_many_ask() {
    let (house, cookie) = House::with_ann().await;
    let access = &house.access;
    house.clock.advance(DAY * 2);
    let (one, other) = tokio::join!(access.rotated(&cookie), access.rotated(&cookie));
    let fresh: Vec<Secret> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
    assert_eq!(fresh.len(), 1, "a second one would make the first useless");
    let is_good = |cookie: &str| access.by_cookie(cookie, here().address).is_some();
    assert!(is_good(fresh[0].expose()) && is_good(&cookie), "requests under way still have the old one");
    house.clock.advance(Duration::from_secs(61));
    assert!(is_good(fresh[0].expose()) && !is_good(&cookie));
}

#[tokio::test]
async fn sessions_of_one_user_are_bounded() {
    let (house, first) = House::with_ann().await;
    let ann = house.access.users().unwrap()[0].id;
    for _ in 0..100 {
        house.access.begin_session(ann, &here()).await.unwrap();
    }
    assert_eq!(house.access.sessions(ann).unwrap().len(), 100);
    assert!(house.access.by_cookie(&first, here().address).is_none(), "the oldest has ended");
}

#[tokio::test]
async fn names_that_nobody_has_are_not_written_down() {
    let (house, _) = House::with_ann().await;
    let typed = "my secret password";
    assert!(house.access.sign_in(typed, Secret::new("x"), "", &here()).await.is_err());
    let lines = house.access.audit(&AuditFilter { limit: 10, ..AuditFilter::default() }).unwrap();
    assert_eq!((lines[0].action.as_str(), lines[0].actor.as_str()), ("sign-in.failed", "unknown"));
    assert!(lines.iter().all(|line| !format!("{line:?}").contains(typed)));
}

#[tokio::test]
async fn failures_do_not_fill_the_audit_log() {
    let (house, _) = House::with_ann().await;
    for place in 0..1020_u32 {
        let from = Origin { address: IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + place)), agent: String::new() };
        // Longer than any password, so that no hash is computed a thousand times.
        assert!(house.access.sign_in("ann", Secret::new("x".repeat(2000)), "", &from).await.is_err());
    }
    house.access.tend().await.unwrap();
    let failed = AuditFilter { limit: 2000, action: Some("sign-in.failed".to_owned()), ..AuditFilter::default() };
    let lines = house.access.audit(&failed).unwrap();
    assert_eq!(lines.len(), 1001);
    assert!(lines[0].after.as_deref().unwrap().contains("20"), "{:?}", lines[0]);
}

#[tokio::test]
async fn this_machine_is_trusted_until_there_is_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(0);
    let db = Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap());
    let settings =
        AccessSettings { mode: AuthMode::OnceSetUp, session_idle: DAY, session_age: DAY, outside_session_age: DAY, audit_keep: DAY };
    let access = Access::open(db, clock as _, settings).unwrap();
    assert_eq!(access.open_to(|| true), Some(Caller::Local));
    assert_eq!(access.open_to(|| false), None, "what comes from elsewhere must sign in from the first moment");
    let first = access.create_user("x", "eve", "", Role::Viewer, Some(Secret::new(GOOD)), &here()).await;
    assert!(sentence(first).contains("administrator"), "nobody could change the server");
    let code = access.begin_setup().unwrap().unwrap();
    access.set_up(code.expose(), "ann", Secret::new(GOOD), &here()).await.unwrap();
    assert_eq!(access.open_to(|| true), None);
    assert!(!access.awaits_setup());
}

fn identity(subject: &str, name: &str, role: Role) -> Identity {
    Identity { issuer: "https://id.example".to_owned(), subject: subject.to_owned(), name: name.to_owned(), email: String::new(), role }
}

#[tokio::test]
async fn people_from_elsewhere_are_known_by_what_they_are_called_there() {
    let (house, _) = House::with_ann().await;
    let access = &house.access;
    let person = |cookie: &Secret| access.by_cookie(cookie.expose(), here().address).map(|person| (person.name.clone(), person.role));
    let first = access.sign_in_as(&identity("7", "Ann", Role::Viewer), &here()).await.unwrap();
    assert_eq!(person(&first), Some(("Ann-2".to_owned(), Role::Viewer)), "the name here stays with its owner");
    let second = access.sign_in_as(&identity("7", "renamed", Role::Editor), &here()).await.unwrap();
    assert_eq!(person(&second), Some(("Ann-2".to_owned(), Role::Editor)), "the same person, with the role of today");
    assert_eq!(person(&first), person(&second), "in every session");
    access.sign_in_as(&identity("8", "ann", Role::Admin), &here()).await.unwrap();
    let other = Identity { issuer: "https://other.example".to_owned(), ..identity("7", "bob", Role::Viewer) };
    access.sign_in_as(&other, &here()).await.unwrap();
    let mut names: Vec<String> = access.users().unwrap().into_iter().map(|user| user.name).collect();
    names.sort();
    assert_eq!(names, ["Ann-2", "ann", "ann-3", "bob"]);
    let lines = access.audit(&AuditFilter { limit: 20, ..AuditFilter::default() }).unwrap();
    let has = |actor: &str, action: &str, subject: &str| {
        lines.iter().any(|line| (line.actor.as_str(), line.action.as_str(), line.subject.as_str()) == (actor, action, subject))
    };
    assert!(has("https://id.example", "user.create", "Ann-2") && has("https://id.example", "user.change", "Ann-2"));
    assert!(has("Ann-2", "sign-in", "Ann-2"));
}

#[tokio::test]
async fn people_from_elsewhere_can_be_kept_out_and_make_no_password() {
    let (house, _) = House::with_ann().await;
    let access = &house.access;
    let eve = identity("7", "eve", Role::Editor);
    let cookie = access.sign_in_as(&eve, &here()).await.unwrap();
    let person = access.by_cookie(cookie.expose(), here().address).unwrap();
    assert!(sentence(access.change_password(&person, Secret::new(""), Secret::new(GOOD), &here()).await).contains("without a password"));
    assert!(matches!(access.sign_in("eve", Secret::new(""), "", &here()).await, Err(AccessError::Wrong)));
    let out = UserChange { disabled: Some(true), ..UserChange::default() };
    access.change_user("ann", person.user_id, out, &here()).await.unwrap();
    assert!(access.by_cookie(cookie.expose(), here().address).is_none());
    let eve = Identity { role: Role::Admin, ..eve };
    assert!(sentence(access.sign_in_as(&eve, &here()).await).contains("kept out"));
    assert_eq!(access.user(person.user_id).unwrap().role, Role::Editor, "nothing changes about who is kept out");
}

#[tokio::test]
async fn the_set_up_code_holds_until_there_is_an_administrator() {
    let house = House::empty();
    let access = &house.access;
    access.begin_setup().unwrap().expect("nobody is there");
    access.sign_in_as(&identity("1", "bob", Role::Viewer), &here()).await.unwrap();
    let code = access.begin_setup().unwrap().expect("still no administrator");
    assert!(sentence(access.set_up(code.expose(), "BOB", Secret::new(GOOD), &here()).await).contains("already"));
    access.sign_in_as(&identity("2", "ann", Role::Admin), &here()).await.unwrap();
    assert!(!access.awaits_setup() && access.begin_setup().unwrap().is_none());
    assert!(access.set_up(code.expose(), "eve", Secret::new(GOOD), &here()).await.is_err());
}
