//! Instances come and go.

use tokio::time::Instant;

use super::checks::NewCheck;
use super::{Check, CheckKind, Record, Service, State, Status};
use crate::error::Refusal;

/// What happens to the checks that an instance has and its new registration does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExistingChecks {
    /// They stay.
    Keep,
    /// They go (`replace-existing-checks`).
    Replace,
}

impl State {
    /// An instance.
    pub(crate) fn service(&self, id: &str) -> Option<&Service> {
        self.services.get(id)
    }

    /// All instances, in order of their ids.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// The instances of one service, in order of their ids.
    pub(crate) fn instances(&self, name: &str) -> impl Iterator<Item = &Service> {
        self.by_name.get(name).into_iter().flatten().filter_map(|id| self.services.get(id))
    }

    /// Registers an instance with its checks, or updates it. What has not changed keeps its index, so
    /// that an instance which registers again by way of precaution wakes nobody.
    pub(crate) fn register(
        &mut self,
        mut service: Service,
        checks: Vec<NewCheck>,
        existing: ExistingChecks,
        now: Instant,
    ) -> Result<(), Refusal> {
        if !self.services.contains_key(&service.id) && self.services.len() >= self.limits.services {
            return Err(Refusal::Full(format!("at most {} services", self.limits.services)));
        }
        self.room_for_checks(&checks)?;
        let index = self.change_index();
        (service.created, service.modified) = (index, index);
        if let Some(old) = self.services.get(&service.id) {
            service.created = old.created;
            service.modified = old.modified;
            if *old != service {
                service.modified = index;
            }
        }
        let id = service.id.clone();
        if self.services.get(&id) != Some(&service) {
            self.write(Record::Service(service));
        }
        if existing == ExistingChecks::Replace {
            let kept = |check: &Check| {
                check.kind == CheckKind::Maintenance || checks.iter().any(|new| new.id == check.id)
            };
            let gone: Vec<String> =
                self.checks_of(&id).filter(|check| !kept(check)).map(|c| c.id.clone()).collect();
            gone.iter().for_each(|check| self.remove_check(check, now));
        }
        checks.into_iter().for_each(|check| self.put_check(check, now));
        Ok(())
    }

    /// Takes an instance out, with its checks; says whether it was there.
    pub(crate) fn deregister(&mut self, id: &str, now: Instant) -> Result<(), Refusal> {
        if !self.services.contains_key(id) {
            return Err(Refusal::Missing(format!(
                "Unknown service ID {id:?}. Ensure that the service ID is passed, not the service name."
            )));
        }
        let checks: Vec<String> = self.checks_of(id).map(|check| check.id.clone()).collect();
        checks.iter().for_each(|check| self.remove_check(check, now));
        self.write(Record::ServiceGone(id.to_owned()));
        Ok(())
    }

    /// Takes an instance out of service for `reason`, or with none back into it.
    pub(crate) fn maintenance(
        &mut self,
        id: &str,
        reason: Option<String>,
        now: Instant,
    ) -> Result<(), Refusal> {
        if !self.services.contains_key(id) {
            return Err(Refusal::Missing(format!("No service registered with ID {id:?}")));
        }
        let check = format!("_service_maintenance:{id}");
        match reason {
            None => self.remove_check(&check, now),
            Some(_) if self.checks.contains_key(&check) => {}
            Some(notes) => self.put_check(
                NewCheck {
                    id: check,
                    name: "Service Maintenance Mode".to_owned(),
                    notes,
                    status: Status::Critical,
                    service: Some(id.to_owned()),
                    kind: CheckKind::Maintenance,
                    reap_after: None,
                },
                now,
            ),
        }
        Ok(())
    }
}
