//! Letters of other parts of the server, through the mail server of alerts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::alerts::dispatch::Routing;
use crate::alerts::notify::Letters;
use crate::base::clock::SharedClock;
use crate::series::ports::{Mail, SendMail};

/// Sends them.
pub(super) struct Post {
    pub(super) routing: Arc<dyn Routing>,
    pub(super) clock: SharedClock,
}

impl SendMail for Post {
    fn is_set(&self) -> bool {
        Letters::of(&self.routing.in_force().config).is_some()
    }

    fn send(&self, mail: Mail) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async move {
            let letters = Letters::of(&self.routing.in_force().config)
                .ok_or("no mail server is set: global.smtp_smarthost and global.smtp_from of the routing file")?;
            letters.send(mail, self.clock.now_ms().div_euclid(1000)).await.map_err(|refusal| refusal.reason)
        })
    }
}
