//! What a reconcile of a desk would want, held against what is there.

use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::{Api, Resource};
use sapphire_crds::TradingAgent;
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::FIELD_MANAGER;
use sapphire_crds::names::annotations::HALTED_BY_HAND;
use sapphire_crds::trading_system::FailedRollout;
use serde::Serialize;
use serde_json::{Value, json};

use super::DiffError;
use super::changes::{Change, changes};
use crate::agent;
use crate::agent::authorities::Running;
use crate::agent::release::{Release, inputs, own_part, part_of};
use crate::context::Context;
use crate::reconcile::apply;
use crate::reconcile::desired::{Desired, Owner};
use crate::reconcile::halt_by_hand;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::revisions::Wish;
use crate::reconcile::stored::{Stored, Wire};
use crate::reconcile::wording::restarts;
use crate::system::build;
use crate::system::dereference::{Dereferenced, dereference};
use crate::system::limits;
use crate::system::revise;
use crate::system::status::agents::missing;
use crate::system::validate::{Shape, Valid, holds, validate};

/// What would become of a desk.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outlook {
    pub(super) namespace: String,
    pub(super) system: String,
    /// What would hold the operator back: of each a condition's reason and words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) held: Vec<String>,
    /// Who halts the desk whatever its policies say, and what lifts that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) halted_by_hand: Option<String>,
    /// The revision that pods run now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<String>,
    /// The one that would be rolled out: another restarts pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rolls_out: Option<String>,
    /// Why pods would restart, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restarts: Option<String>,
    /// What comes of it that the objects arrive one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_parts: Option<String>,
    /// What would become of children.
    pub(super) children: Vec<Child>,
    /// What would become of agents in pods of their own, where that is anything.
    pub(super) agents: Vec<Agent>,
}

/// What would become of an agent's pods.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Agent {
    pub(super) name: String,
    /// What would hold the operator back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<String>,
    /// Why they would restart, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restarts: Option<String>,
    pub(super) children: Vec<Child>,
}

/// What would become of a child.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Child {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) fate: Fate,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) changes: Vec<Change>,
    /// Why it could not be applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
}

/// Whether a child comes, changes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Fate {
    Created,
    Changed,
    Deleted,
}

impl Outlook {
    /// Whether anything would change.
    pub(super) fn changes(&self) -> bool {
        self.rolls_out.is_some() || !self.children.is_empty() || !self.agents.is_empty()
    }

    /// Tells that so many objects that shape its pods change, where pods run.
    pub(super) fn arriving_in(mut self, parts: usize) -> Self {
        let restarts =
            self.rolls_out.is_some() || self.agents.iter().any(|agent| agent.restarts.is_some());
        self.in_parts = (parts > 1 && self.revision.is_some() && restarts).then(|| {
            format!(
                "{parts} objects change, and the operator takes each up as it arrives: pods may restart more than once, \
                 and agents in pods of their own before the core. A desk in one pod makes one rollout of them where \
                 spec.suspend is true meanwhile"
            )
        });
        self
    }
}

/// Foresees what a reconcile of the desk would do, once all its steps are done.
pub(super) async fn foresee(context: &Context, key: &Key) -> Result<Outlook, DiffError> {
    let mut outlook = Outlook {
        namespace: key.namespace.clone(),
        system: key.name.clone(),
        held: Vec::new(),
        halted_by_hand: halted_by_hand(context, key)?,
        revision: None,
        rolls_out: None,
        restarts: None,
        in_parts: None,
        children: Vec::new(),
        agents: Vec::new(),
    };
    let Some(system) = context.systems.get(key) else {
        outlook.held.push(format!("there is no TradingSystem {}", key.name));
        return Ok(outlook);
    };
    let desk = dereference(context, system);
    if desk.system.spec.suspend {
        outlook.held.push("suspended: nothing would be reconciled".into());
    }
    outlook.held.extend(holds(&desk).iter().map(ToString::to_string));
    if !outlook.held.is_empty() {
        outlook.children = limits(context, &desk).await?;
        return Ok(outlook);
    }
    let valid = validate(desk.clone())?;
    let released = desk.status().rollout.and_then(|rollout| rollout.core);
    let target = match revise::foresee(context, &desk, &valid).await {
        Err(hold @ (Hold::Stalled { .. } | Hold::Waiting { .. })) => {
            outlook.held.push(hold.to_string());
            outlook.children = limits(context, &desk).await?;
            return Ok(outlook);
        }
        target => target?,
    };
    if let Some(failed) = undone(&desk) {
        outlook.held.push(format!(
            "revision {} was undone ({}) and is not tried again until the spec changes",
            failed.revision, failed.message
        ));
        outlook.children = limits(context, &desk).await?;
        return Ok(outlook);
    }
    let (name, rendered) = (target.name().to_owned(), target.rendered()?);
    outlook.revision = released.as_ref().map(ToString::to_string);
    if outlook.revision.as_deref() != Some(&name) {
        if let Some(released) = &released
            && let Some(former) =
                context.revisions.named(context, &valid.owner, released.as_str()).await?
        {
            outlook.restarts = Some(restarts(&former.rendered()?, &rendered));
        }
        outlook.rolls_out = Some(name);
    }
    let mut wanted = build::build(&valid)?;
    // Its migration runs once, and is gone afterwards.
    wanted.extend(rendered.into_iter().filter(|child| child.kind != Kind::Pod));
    build::readers(&valid, &mut wanted);
    build::one_trader(&valid, &mut wanted);
    outlook.children = children(context, key, &valid.owner, &wanted).await?;
    if let Shape::Clustered { .. } = valid.shape {
        let release = Release::read(&target.object_name()?, &key.name, target.data())?;
        let running = agent::dereference::running(context, key, &valid.agents).await?;
        for agent in &valid.agents {
            let foreseen = foresee_agent(context, &valid, agent, &release, &running).await?;
            let matters = !foreseen.children.is_empty() || foreseen.held.is_some();
            outlook.agents.extend(matters.then_some(foreseen));
        }
        let missing = missing(&desk).map(|words| Hold::waiting(Reason::AgentsMissing, words));
        outlook.held.extend(missing.map(|hold| hold.to_string()));
    }
    Ok(outlook)
}

/// Who halted the desk by hand. A halt that no operator has heard yet is taken up here as one would.
fn halted_by_hand(context: &Context, key: &Key) -> Result<Option<String>, DiffError> {
    let Some(system) = context.systems.get(key) else { return Ok(None) };
    let lifted = format!("kubectl annotate tsys {} {HALTED_BY_HAND}- lifts that", key.name);
    if halt_by_hand::is_in_force(&system.metadata) {
        return Ok(Some(format!("every limit says Halted; {lifted}")));
    }
    let live = context.children.get(Kind::ConfigMap, &build::limits_of(key));
    let (Some(limits), Some(live)) = (limits::wanted(context, key)?, live) else { return Ok(None) };
    let Some(policy) = halt_by_hand::unheard(&limits, &live) else { return Ok(None) };
    let mut heard = Wire(Ok((*system).clone()));
    let annotations = heard.meta_mut().annotations.get_or_insert_default();
    annotations.insert(HALTED_BY_HAND.into(), String::new());
    context.systems.observe(heard);
    Ok(Some(format!(
        "somebody wrote Halted into the limits of RiskPolicy {policy}, in ConfigMap {}; {lifted} once the operator has \
         heard it",
        limits.name
    )))
}

/// The revision of this generation that came up badly, if it did.
fn undone(desk: &Dereferenced) -> Option<FailedRollout> {
    let failed = desk.status().rollout?.failed?;
    (failed.generation == desk.generation()).then_some(failed)
}

/// What a reconcile of the agent would do once the system's revision is released to it.
async fn foresee_agent(
    context: &Context,
    valid: &Valid,
    agent: &Stored<TradingAgent>,
    release: &Release,
    running: &Running,
) -> Result<Agent, DiffError> {
    let desk = &valid.key;
    let owner = Owner::of::<TradingAgent>(agent, agent::dereference::KIND);
    let name = owner.key.name.clone();
    let nothing = |held: &Hold| {
        let (name, held) = (name.clone(), Some(held.to_string()));
        Ok(Agent { name, held, restarts: None, children: Vec::new() })
    };
    let former = match agent.status.as_ref().and_then(|status| status.revision.as_ref()) {
        Some(former) => context.revisions.named(context, &owner, former.as_str()).await?,
        None => None,
    };
    let among = agent::authorities::Desk { system: &valid.system, agents: &valid.agents, running };
    let fits = agent::validate::fits(&valid.system, agent);
    let held = fits.and_then(|()| agent::authorities::trades_alone(agent, &among)).err();
    // Who is held goes on with what its pods have.
    let kept = former.as_ref().filter(|_| running.contains_key(&name));
    let part = match (&held, kept.and_then(|former| part_of(&former.data))) {
        (None, _) => own_part(agent),
        (Some(_), Some(part)) => part,
        (Some(hold), None) => return nothing(hold),
    };
    let render = |image: &str, hash: &str| agent::build::render(&name, &part, release, image, hash);
    let wish = Wish {
        agent: Some(&name),
        system: desk,
        inputs: inputs(&part, release),
        image: Some(release.image.clone()),
        adopt: None,
        render: &render,
    };
    let target = context.revisions.foresee(context, &owner, &wish).await?;
    let mut wanted = target.rendered()?;
    let mut restarted = None;
    if let Some(former) = former.filter(|former| former.name != target.name()) {
        restarted = Some(restarts(&former.rendered()?, &wanted));
    }
    agent::build::scale(&mut wanted, agent.spec.replicas);
    wanted.extend(agent::build::build(&desk.name, &name, &agent.spec)?);
    let mut children = children(context, desk, &owner, &wanted).await?;
    // Pods of former revisions read theirs until the trial is over.
    let tried = agent.status.as_ref().is_some_and(|status| status.rollout.is_some());
    if tried || restarted.is_some() {
        let is_read = |child: &Child| {
            child.kind == Kind::ConfigMap.name() && matches!(child.fate, Fate::Deleted)
        };
        children.retain(|child| !is_read(child));
    }
    let held = held.map(|hold| hold.to_string());
    Ok(Agent { name, held, restarts: restarted, children })
}

/// What would become of the limits of a desk that is held: they are brought to it all the same.
async fn limits(context: &Context, desk: &Dereferenced) -> Result<Vec<Child>, DiffError> {
    let owner = desk.owner();
    let Some(limits) = limits::wanted(context, &owner.key)? else { return Ok(Vec::new()) };
    Ok(fate(context, &owner, &limits).await?.into_iter().collect())
}

async fn children(
    context: &Context,
    desk: &Key,
    owner: &Owner,
    wanted: &[Desired],
) -> Result<Vec<Child>, DiffError> {
    let mut fates = Vec::new();
    for child in wanted {
        fates.extend(fate(context, owner, child).await?);
    }
    for (child, live) in context.children.of_desk(desk) {
        let is_wanted = wanted.iter().any(|w| w.kind == child.kind && w.name == child.key.name);
        if child.kind.is_collected()
            && child.kind != Kind::Pod
            && live.is_controlled_by(&owner.uid)
            && !is_wanted
        {
            fates.push(Child {
                kind: child.kind.name(),
                name: child.key.name,
                fate: Fate::Deleted,
                changes: Vec::new(),
                refused: None,
            });
        }
    }
    Ok(fates)
}

async fn fate(
    context: &Context,
    owner: &Owner,
    child: &Desired,
) -> Result<Option<Child>, DiffError> {
    let key = owner.key.beside(&child.name);
    let live = context.children.get(child.kind, &key);
    let wish = apply::manifest(child, owner, live.as_deref())?;
    let mut found = Child {
        kind: child.kind.name(),
        name: child.name.clone(),
        fate: Fate::Created,
        changes: Vec::new(),
        refused: None,
    };
    if live.is_none() {
        return Ok(Some(found));
    }
    if live.is_some_and(|live| live.fulfils(&wish)) {
        return Ok(None);
    }
    found.fate = Fate::Changed;
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), &key.namespace, &child.kind.resource());
    let action = format!("read {} {key}", child.kind.name());
    let before = api.get_opt(&child.name).await.map_err(|error| Hold::of_call(&action, &error))?;
    let mut params = PatchParams::apply(FIELD_MANAGER).dry_run().force();
    params.field_validation = Some(ValidationDirective::Strict);
    match api.patch(&child.name, &params, &Patch::Apply(&wish.object)).await {
        Ok(after) => {
            let before = before.map(content).unwrap_or_default();
            found.changes = changes(&before, &content(after));
            Ok((!found.changes.is_empty()).then_some(found))
        }
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
            found.refused = Some(status.message.clone());
            Ok(Some(found))
        }
        Err(error) => {
            let action = format!("try {} {key}", child.kind.name());
            Err(Hold::of_call(&action, &error).into())
        }
    }
}

/// What of an object people would look at.
fn content(object: DynamicObject) -> Value {
    let labels = object.metadata.labels.clone().unwrap_or_default();
    let mut content = object.data;
    if let Some(members) = content.as_object_mut() {
        members.remove("status");
        members.insert("metadata".into(), json!({"labels": labels}));
    }
    content
}
