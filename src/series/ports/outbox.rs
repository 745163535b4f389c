//! A mail server for tests: it keeps what is sent to it.

use std::future::Future;
use std::pin::Pin;

use parking_lot::Mutex;

use super::{Mail, SendMail};

/// Keeps what is sent; fails as often as it is told, and may be so slow that the server ends meanwhile.
#[derive(Default)]
pub(crate) struct Outbox {
    /// How often it fails from now on.
    pub(crate) fails: Mutex<u32>,
    /// Whether it never answers.
    pub(crate) hangs: Mutex<bool>,
    /// What was sent.
    pub(crate) sent: Mutex<Vec<Mail>>,
}

impl SendMail for Outbox {
    fn is_set(&self) -> bool {
        true
    }

    fn send(&self, mail: Mail) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async move {
            {
                let mut fails = self.fails.lock();
                if *fails > 0 {
                    *fails -= 1;
                    return Err("the server is away".to_owned());
                }
                self.sent.lock().push(mail);
            }
            if *self.hangs.lock() {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }
}
