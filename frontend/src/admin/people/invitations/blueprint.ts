// A flow in which invited people create their accounts, as the file that the server imports: whole or not at all.
import { t } from "~/text/text";

export const SLUG = "join-by-invitation";

type Prompt = { key: string; label: string; type: string; required: boolean };

const q = (text: string) => JSON.stringify(text); // a text of JSON is one of YAML

/** Names of stages and prompts are unique on the server; they all begin like the flow. */
export function invitationFlow(): string {
	const prompts: Prompt[] = [
		{ key: "username", label: t("invitations.setup.username"), type: "username", required: true },
		{ key: "name", label: t("invitations.setup.fullName"), type: "text", required: true },
		{ key: "email", label: t("invitations.setup.email"), type: "email", required: false },
		{ key: "password", label: t("invitations.setup.password"), type: "password", required: true },
		{ key: "password_repeat", label: t("invitations.setup.repeat"), type: "password", required: true },
	];
	const stages = [
		["authentik_stages_invitation.invitationstage", "invitation", "continue_flow_without_invitation: false"],
		["authentik_stages_prompt.promptstage", "prompt", `fields:\n${prompts.map(({ key }) => `        - !KeyOf field-${key}`).join("\n")}`],
		["authentik_stages_user_write.userwritestage", "write", "user_creation_mode: always_create\n      create_users_as_inactive: false"],
		["authentik_stages_user_login.userloginstage", "login", 'session_duration: "seconds=0"'],
	] as const;
	return `version: 1
metadata:
  name: ${q(t("invitations.setup.name"))}
entries:
  - model: authentik_flows.flow
    id: flow
    identifiers:
      slug: ${SLUG}
    attrs:
      name: ${q(t("invitations.setup.name"))}
      title: ${q(t("invitations.setup.flowTitle"))}
      designation: enrollment
      authentication: require_unauthenticated
${prompts
	.map(
		({ key, label, type, required }, index) => `  - model: authentik_stages_prompt.prompt
    id: field-${key}
    identifiers:
      name: ${SLUG}-${key}
    attrs:
      field_key: ${key}
      label: ${q(label)}
      type: ${type}
      required: ${required}
      order: ${index * 10}`,
	)
	.join("\n")}
${stages
	.map(
		([model, name, attrs]) => `  - model: ${model}
    id: ${name}
    identifiers:
      name: ${SLUG}-${name}
    attrs:
      ${attrs}`,
	)
	.join("\n")}
${stages
	.map(
		([, name], index) => `  - model: authentik_flows.flowstagebinding
    identifiers:
      target: !KeyOf flow
      stage: !KeyOf ${name}
      order: ${index * 10}`,
	)
	.join("\n")}
`;
}
