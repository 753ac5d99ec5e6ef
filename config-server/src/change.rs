//! Deciding on a change at run time, and making it.

use std::collections::{BTreeMap, BTreeSet};

use chassis::config::protocol::{ChangeKind, DEFAULT_PROFILE, Instance, SHARED};
use chassis::config::{keys, secret};
use contracts::{Code, Fault, Problem, Timestamp};
use serde_json::Value;

use crate::core::{Core, etag, failed};
use crate::files::Files;
use crate::schemas;
use crate::sources::{self, Target, runtime_values};
use crate::store::{Appended, ChangeSet, Place, Snapshot};

/// Someone wants to change runtime values.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// Whose values: one application under one profile.
    pub application: String,
    pub profile: String,
    pub who: String,
    /// The ETags that the caller will accept; `None` where the change does not depend on what holds.
    pub if_match: Option<Vec<String>>,
    pub wish: Wish,
}

/// What is to be changed.
#[derive(Debug)]
pub(crate) enum Wish {
    Set { key: String, value: Value },
    Unset { key: String },
    Rollback { version: u64 },
}

/// A change that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub version: u64,
    pub etag: String,
}

impl Core {
    /// Makes the change, all of it and durably, or says why not.
    pub async fn change(&self, proposal: Proposal) -> Result<Made, Problem> {
        // or it would be decided on what held when replicas were last looked at
        self.catch_up().await.map_err(failed)?;
        let target = self.check_target(&proposal)?;
        let _deciding = self.deciding.lock().await;
        let (files, stored) = {
            let state = self.state.read();
            (state.files.clone(), state.stored.clone())
        };
        let current = etag(&sources::effective(&target, &files, &stored));
        if proposal
            .if_match
            .as_ref()
            .is_some_and(|tags| !tags.iter().any(|tag| tag == "*" || *tag == current))
        {
            let detail = format!(
                "it has changed since you read it: the ETag is {current} now; read it again, then decide again"
            );
            return Err(Problem::new(Code::PreconditionFailed, detail));
        }
        let (kind, changes) = self.changes(&proposal, &stored).await?;
        if changes.is_empty() {
            return Ok(Made { version: sources::version(&stored, &proposal.application), etag: current });
        }
        self.refuse_overridden(&target, &changes)?;

        let set =
            ChangeSet { expected: stored.version, kind, who: proposal.who, at: Timestamp::now(), changes };
        let mut after = stored.clone();
        after.apply(&set, stored.version + 1);
        self.refuse_invalid(&target, &set, &files, &stored, &after)?;
        match self.store.append(&set).await.map_err(failed)? {
            Appended::As(version) => {
                let keys: Vec<_> = set.changes.iter().map(|(place, _)| place.key.as_str()).collect();
                let (application, keys, who) = (&target.application, keys.join(", "), &set.who);
                tracing::info!(
                    application,
                    version,
                    keys,
                    who,
                    "{who} changed {keys} of {application}: version {version}"
                );
                let etag = etag(&sources::effective(&target, &files, &after));
                self.publish(|state| state.stored = after);
                Ok(Made { version, etag })
            }
            Appended::Stale => {
                let detail = "another replica of the config server made a change in the same moment; read again, then decide again";
                Err(Problem::new(Code::PreconditionFailed, detail))
            }
        }
    }

    fn check_target(&self, proposal: &Proposal) -> Result<Target, Problem> {
        let target = Target::parse(&proposal.application, &proposal.profile)?;
        if target.profiles.len() != 1 {
            return Err(Problem::invalid_field("profile", "must be one profile: a change is made for one"));
        }
        if !self.knows(&target.application) {
            return Err(Problem::not_found(format!("application {}", target.application)));
        }
        Ok(target)
    }

    /// What the wish comes down to.
    async fn changes(
        &self,
        proposal: &Proposal,
        stored: &Snapshot,
    ) -> Result<(ChangeKind, Vec<(Place, Option<Value>)>), Problem> {
        let place = |key: &str| Place {
            application: proposal.application.clone(),
            profile: proposal.profile.clone(),
            key: key.to_owned(),
        };
        match &proposal.wish {
            Wish::Set { key, value } => {
                check_value(key, value)?;
                Ok((ChangeKind::Set, vec![(place(key), Some(value.clone()))]))
            }
            Wish::Unset { key } => {
                if !stored.values.contains_key(&place(key)) {
                    return Err(Problem::not_found(format!(
                        "runtime change of {key} for {}/{}",
                        proposal.application, proposal.profile
                    )));
                }
                Ok((ChangeKind::Unset, vec![(place(key), None)]))
            }
            Wish::Rollback { version } => {
                if *version > stored.version {
                    let message = format!("is {version}, but the last version is {}", stored.version);
                    return Err(Problem::invalid_field("version", message));
                }
                let then = self
                    .store
                    .values_at(&proposal.application, &proposal.profile, *version)
                    .await
                    .map_err(failed)?;
                let now = runtime_values(stored, &proposal.application, &proposal.profile);
                let all: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
                let differing = all.into_iter().filter(|key| then.get(*key) != now.get(*key));
                let changes = differing.map(|key| (place(key), then.get(key).cloned())).collect();
                Ok((ChangeKind::Rollback, changes))
            }
        }
    }

    /// A value that the environment of a live instance overrides would do nothing there: whoever sets
    /// it must learn that. Whoever takes one away may do so: it does nothing already.
    fn refuse_overridden(&self, target: &Target, changes: &[(Place, Option<Value>)]) -> Result<(), Problem> {
        let overridden = |instance: &Instance, key: &str| {
            let clash = |set: &&String| set.as_str() == key || keys::collide(set, key);
            let key = instance.overrides.keys().find(clash)?;
            Some(format!("{} of {} ({})", instance.id, instance.application, instance.overrides.get(key)?))
        };
        let concerned = self.concerned(target);
        let faults: Vec<Fault> = changes
            .iter()
            .filter(|(_, value)| value.is_some())
            .flat_map(|(place, _)| concerned.iter().map(move |(instance, _)| (place, instance)))
            .filter_map(|(place, instance)| {
                let who = overridden(instance, &place.key)?;
                let message =
                    format!("is set by the environment of {who}; a change here would do nothing there");
                Some(Fault { field: place.key.clone(), message })
            })
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Problem { code: Code::Conflict, ..Problem::invalid(faults) })
    }

    /// Refuses what an application does not accept. Faults that are there already do not count: they
    /// must not stand in the way of whoever mends another key.
    fn refuse_invalid(
        &self,
        target: &Target,
        set: &ChangeSet,
        files: &Files,
        before: &Snapshot,
        after: &Snapshot,
    ) -> Result<(), Problem> {
        let mut faults = Vec::new();
        if target.application == SHARED {
            faults.extend(
                set.changes
                    .iter()
                    .filter_map(|(place, value)| value.as_ref().and(nobodys(&place.key, before))),
            );
        }
        for target in self.affected(target, before) {
            let Some(schema) = before.schemas.get(&target.application) else { continue };
            let judge = |stored| schemas::faults(schema, &sources::effective(&target, files, stored).values);
            let known = judge(before);
            let new = judge(after).into_iter().filter(|fault| !known.contains(fault));
            faults.extend(new.map(|fault| Fault {
                message: format!("{} ({})", fault.message, target.application),
                ..fault
            }));
        }
        faults.sort_by(|a, b| (&a.field, &a.message).cmp(&(&b.field, &b.message)));
        faults.dedup();
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
    }

    /// Every application with the profiles that a change for `target` shows in.
    fn affected(&self, target: &Target, stored: &Snapshot) -> BTreeSet<Target> {
        let shared = target.application == SHARED;
        let applications = stored.schemas.keys().filter(|name| shared || **name == target.application);
        let declared =
            applications.map(|name| Target { application: name.clone(), profiles: target.profiles.clone() });
        declared.chain(self.concerned(target).into_iter().map(|(_, running)| running)).collect()
    }

    /// The live instances that a change for `target` shows in, and what they run under.
    fn concerned(&self, target: &Target) -> Vec<(Instance, Target)> {
        let shows = |running: &Target| {
            target
                .profiles
                .iter()
                .all(|profile| profile == DEFAULT_PROFILE || running.profiles.contains(profile))
        };
        let instances = self.instances.of(&target.application).into_iter();
        instances
            .filter_map(|instance| {
                let running = Target::parse(&instance.application, &instance.profile).ok()?;
                shows(&running).then_some((instance, running))
            })
            .collect()
    }
}

/// A shared key in a section that no application has would do nothing.
fn nobodys(key: &str, stored: &Snapshot) -> Option<Fault> {
    let section = key.split('.').next().unwrap_or(key);
    let has = |schema: &Value| schema["properties"].get(section).is_some();
    if stored.schemas.is_empty() || stored.schemas.values().any(has) {
        return None;
    }
    let sections: BTreeMap<&str, ()> =
        stored.schemas.values().flat_map(chassis::config::schema::key_names).map(|name| (name, ())).collect();
    let sections: Vec<_> = sections.into_keys().collect();
    Some(Fault {
        field: key.to_owned(),
        message: format!("is in no application's section; there are: {}", sections.join(", ")),
    })
}

fn check_value(key: &str, value: &Value) -> Result<(), Problem> {
    keys::check_key(key).map_err(|fault| Problem::invalid(vec![fault]))?;
    if value.is_object() {
        return Err(Problem::invalid_field(
            key,
            "cannot be set to an object: set the keys beneath it, each by itself",
        ));
    }
    if !secret::may_stand(key, value) {
        return Err(Problem::invalid_field(key, format!("must be {}", secret::ALLOWED)));
    }
    Ok(())
}
