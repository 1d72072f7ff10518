//! Who else holds a field that we want to set, and what to do about it.

use kube::core::Status;

/// A field that another manager holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its path, such as `.spec.template.spec.containers[name="trader"].image`.
    pub field: String,
    /// The manager's name.
    pub manager: String,
    /// Whether the manager declares the field by server-side apply, and so goes on wanting it. Others
    /// (`kubectl edit`, `kubectl set image`) changed it once.
    pub declared: bool,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by \"{}\"", self.field, self.manager)
    }
}

/// The conflicts that the API server answered an apply with. Empty where the 409 had another cause.
pub fn read(status: &Status) -> Vec<Conflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| {
            // conflict with "kubectl-edit" with subresource "scale" using apps/v1 at 2026-01-01T00:00:00Z
            let manager = cause.message.split('"').nth(1).unwrap_or("somebody");
            // Only updates name the version that they were made with.
            let declared = !cause.message.contains(" using ");
            Conflict { field: cause.field.clone(), manager: manager.to_owned(), declared }
        })
        .collect()
}

/// What to do about conflicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody changed a field of ours once: set it again.
    Repair,
    /// The number of replicas changed while we read: read again.
    ReadAgain,
    /// Somebody declares a field of ours: say so and leave it.
    Yield(Vec<Conflict>),
}

/// Judges conflicts. `replicas_are_ours` tells whether a changed number of replicas is drift.
pub fn judge(conflicts: &[Conflict], replicas_are_ours: bool) -> Verdict {
    let declared: Vec<Conflict> = conflicts.iter().filter(|c| c.declared).cloned().collect();
    if !declared.is_empty() {
        return Verdict::Yield(declared);
    }
    if conflicts.is_empty()
        || (!replicas_are_ours && conflicts.iter().any(|c| c.field == ".spec.replicas"))
    {
        return Verdict::ReadAgain;
    }
    Verdict::Repair
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn status(causes: &[(&str, &str)]) -> Status {
        let causes: Vec<_> = causes
            .iter()
            .map(|(field, message)| json!({"reason": "FieldManagerConflict", "field": field, "message": message}))
            .collect();
        serde_json::from_value(
            json!({"code": 409, "reason": "Conflict", "details": {"causes": causes}}),
        )
        .unwrap()
    }

    const EDIT: &str = "conflict with \"kubectl-edit\" using apps/v1 at 2026-01-01T00:00:00Z";
    const GITOPS: &str = "conflict with \"argocd-controller\"";
    const SCALE: &str = "conflict with \"kubectl\" with subresource \"scale\" using apps/v1";

    #[rstest]
    #[case(&[(".spec.x", EDIT)], false, Verdict::Repair)]
    #[case(&[(".spec.replicas", SCALE)], false, Verdict::ReadAgain)]
    #[case(&[(".spec.replicas", SCALE)], true, Verdict::Repair)]
    #[case(&[], false, Verdict::ReadAgain)]
    fn what_was_changed_once_is_repaired(
        #[case] causes: &[(&str, &str)],
        #[case] ours: bool,
        #[case] verdict: Verdict,
    ) {
        assert_eq!(judge(&read(&status(causes)), ours), verdict);
    }

    #[test]
    fn what_somebody_declares_is_left_and_named() {
        let verdict = judge(&read(&status(&[(".spec.x", EDIT), (".spec.y", GITOPS)])), true);
        let Verdict::Yield(conflicts) = verdict else { panic!("{verdict:?}") };
        assert_eq!(conflicts.len(), 1);
        assert_eq!(conflicts[0].to_string(), ".spec.y by \"argocd-controller\"");
    }
}
