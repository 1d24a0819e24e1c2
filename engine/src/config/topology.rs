//! The datacenter: this engine has one, however it is written down.

use super::{ConfigError, values::Values};
use crate::directory::Datacenter;

const LABEL: &str = "topology.datacenter_label";
const DATACENTERS: &str = "topology.datacenters";

/// The one datacenter.
pub(super) fn datacenter(values: &Values) -> Datacenter {
    let name = values.names(DATACENTERS).first().copied().unwrap_or("default");
    let key = |field: &str| format!("{DATACENTERS}.{name}.{field}");
    let label = key("datacenter_label");
    Datacenter {
        label: values.number(if values.is_set(&label) { &label } else { LABEL }),
        name: values.text_if_set(&key("name")).unwrap_or_else(|| name.to_owned()),
        public_url: values.text(&key("public_url")),
    }
}

/// What is wrong with how the datacenter is written down.
pub(super) fn contradiction(values: &Values, datacenter: &Datacenter) -> Option<ConfigError> {
    let names = values.names(DATACENTERS);
    if names.len() > 1 {
        return Some(ConfigError::Contradiction(format!(
            "`{DATACENTERS}` names more than one datacenter ({}): this engine runs on one node; \
             leave only its own",
            names.join(", ")
        )));
    }
    let own: u16 = values.number(LABEL);
    if values.is_set(LABEL) && own != datacenter.label {
        return Some(ConfigError::Contradiction(format!(
            "`{LABEL}` is {own}, but the only datacenter, {:?}, has label {}",
            datacenter.name, datacenter.label
        )));
    }
    None
}
