//! When backups are made by themselves: cron syntax, in UTC.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// What is done each time.
type Run = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
/// Who wants to know how long it is until the next time.
type Told = Arc<dyn Fn(Option<Duration>) + Send + Sync>;

/// Why a schedule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The text is no cron schedule.
    #[error("{0}")]
    Wrong(String),
    /// The scheduler did not start.
    #[error("the schedule of backups cannot be started: {0}")]
    Scheduler(#[from] JobSchedulerError),
}

/// A schedule that runs until it is stopped.
pub struct Schedule {
    scheduler: JobScheduler,
}

/// Checks a text: five fields (minute, hour, day of the month, month, day of the week), six with seconds in front, or a
/// word such as `@daily`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(text: &str) -> Result<(), String> {
    job(text, Arc::new(|| Box::pin(std::future::ready(()))), Arc::new(|_| {})).map(drop)
}

impl Schedule {
    /// Calls `run` whenever `text` says so, and `told` with the time that is left until the next time. Call it inside the
    /// runtime.
    pub async fn start(
        text: &str,
        run: impl Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
        told: impl Fn(Option<Duration>) + Send + Sync + 'static,
    ) -> Result<Self, ScheduleError> {
        let told: Told = Arc::new(told);
        let job = job(text, Arc::new(run), Arc::clone(&told)).map_err(ScheduleError::Wrong)?;
        let mut scheduler = JobScheduler::new().await?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        told(scheduler.time_till_next_job().await?);
        Ok(Self { scheduler })
    }

    /// Starts nothing more. What runs comes to its end by itself.
    pub async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::warn!(%error, "the schedule of backups did not stop");
        }
    }
}

fn job(text: &str, run: Run, told: Told) -> Result<Job, String> {
    let full = with_seconds(text)?;
    let made = Job::new_async(full, move |_, mut scheduler| {
        let (run, told) = (Arc::clone(&run), Arc::clone(&told));
        Box::pin(async move {
            run().await;
            told(scheduler.time_till_next_job().await.unwrap_or(None));
        })
    });
    made.map_err(|_| wrong(text))
}

fn wrong(text: &str) -> String {
    format!(
        "read {text:?}, expected a schedule of five fields (minute, hour, day of the month, month, day of the week; in UTC) such as \
         \"30 2 * * *\", or @hourly, @daily, @weekly or @monthly"
    )
}

/// The library wants seconds in front; people leave them out.
fn with_seconds(text: &str) -> Result<String, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    match fields.as_slice() {
        [word] if ["@hourly", "@daily", "@weekly", "@monthly"].iter().any(|known| known.eq_ignore_ascii_case(word)) => {
            Ok((*word).to_owned())
        }
        [_, _, _, _, _] => Ok(format!("0 {}", fields.join(" "))),
        [_, _, _, _, _, _] => Ok(fields.join(" ")),
        _ => Err(wrong(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_people_write_them() {
        for good in ["30 2 * * *", "0 */6 * * MON-FRI", "  15  3 1 * * ", "*/5 * * * * *", "@daily", "@Weekly", "0 0 L * *"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "daily", "@sometimes", "* * *", "61 * * * *", "0 25 * * *", "a b c d e", "* * * * * * *", "every day at 3"] {
            let said = check(bad).expect_err(bad);
            assert!(said.starts_with(&format!("read {bad:?}, expected a schedule of five fields")), "{said}");
        }
    }

    #[tokio::test]
    async fn it_runs_and_tells_when_it_comes_next() {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let ran = tell.clone();
        let run = move || -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let ran = ran.clone();
            Box::pin(async move { ran.send(None).unwrap() })
        };
        let schedule = Schedule::start("* * * * * *", run, move |left| tell.send(Some(left)).unwrap()).await.unwrap();
        let first = told.recv().await.unwrap().expect("told at the start").expect("there is a next time");
        assert!(first <= Duration::from_secs(2), "{first:?}");
        assert_eq!(told.recv().await.unwrap(), None, "it ran");
        assert!(told.recv().await.unwrap().expect("told after it ran").is_some());
        schedule.stop().await;
    }
}
