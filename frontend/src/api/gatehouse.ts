// The shapes of our own part of the REST interface, below /gatehouse/.
import type { Application, LogEvent, OAuth2Provider, SAMLProvider } from "./schema.gen";

export type ServerSettings = {
	office_name: string;
	server_name: string;
	allowed_hosts: string[];
	admin_on_lan: boolean;
	readonly https_url: string;
	readonly http_url: string;
	readonly install_id: string;
	readonly ca: { subject: string; sha256: string; expires: string; names: string[]; leaf_expires: string } | null;
	readonly trust_url: string;
};

export type CheckState = "good" | "notice" | "warning" | "danger";
export type Check = { id: string; state: CheckState; text: string; help: string; link: string };
export type Step = { id: string; done: boolean; text: string; link: string };

export type Status = {
	version: string;
	started: string;
	uptime_seconds: number;
	data_dir: string;
	database_bytes: number;
	disk_free_bytes: number;
	memory_bytes: number;
	users: number;
	active_sessions: number;
	applications: number;
	certificate_expires: string | null;
	last_backup: string | null;
	second_factor_missing: number;
	checks: Check[];
	steps: Step[];
};

/** How long an app password lasts that one makes now. */
export type TokenLife = {
	now: string;
	ends: boolean;
	usual: string;
	longest: string;
	/** Why an attribute that should say so does not count. */
	problem: string;
};

export type MailState = "queued" | "sent" | "failed";
export type MailEntry = {
	pk: string;
	created: string;
	to: string;
	subject: string;
	state: MailState;
	tries: number;
	/** What the mail server said the last time. */
	words: string;
	next: string | null;
};

/** What was mailed of an invitation; problem says why no mail can be sent now. */
export type InvitationMails = { results: MailEntry[]; problem: string };

/** A request of a system that sends people by SCIM; says tells what was wrong with it. */
export type ScimRequest = {
	id: number;
	at: string;
	method: string;
	path: string;
	about: string;
	status: number;
	says: string;
	duration_ms: number;
	client_ip: string;
	user_agent: string;
};

/** What a SCIM source sent; old_key_until is how long the token before the last rotation still counts. */
export type ScimState = { old_key_until: string | null; users: number; groups: number; requests: ScimRequest[] };

export type ScimEntryState = "waiting" | "in_step" | "failed" | "left" | "off";

/** How far a provider is with the system that it keeps in step; says is why that is left alone. */
export type ScimOutState = {
	works: boolean;
	running: boolean;
	kind: string;
	done: number;
	total: number;
	finished: string | null;
	paused_until: string | null;
	says: string;
	remote: { known: boolean; patch: boolean; filter: boolean } | null;
	counts: { kind: string; state: ScimEntryState; count: number }[];
};

/** Where a person or a group stands at the other system. */
export type ScimEntry = {
	kind: "user" | "group";
	object: string;
	name: string;
	state: ScimEntryState;
	says: string;
	remote_id: string;
	told: string | null;
	next: string | null;
	tries: number;
};
export type ScimEntries = { count: number; results: ScimEntry[] };

export type ScimDoes = "nothing" | "create" | "adopt" | "change" | "disable" | "delete" | "fail";
export type ScimPlan = {
	kind: "user" | "group";
	object: string;
	name: string;
	does: ScimDoes;
	says: string;
	method: string;
	url: string;
	body: Record<string, unknown> | null;
};
/** What a full sync would do; says is why the other system could not be looked at. */
export type ScimDryRun = { counts: { kind: "user" | "group"; does: ScimDoes; count: number }[]; plans: ScimPlan[]; says: string };
export type ScimBeyond = { when_leaving: string; when_deleted: string; method: string };
export type ScimApplicationMade = { provider: number; application: string };

/** A message between a source and its other side; says tells why it was refused. */
export type SourceMessage = {
	id: number;
	at: string;
	what: string;
	sent: boolean;
	accepted: boolean;
	about: string;
	says: string;
	came: string;
	expected: string;
	client_ip: string;
};

export type SamlSourceCertificate = {
	pk: string;
	use: "signing" | "verification";
	subject: string;
	fingerprint_sha256: string;
	until: string;
	over: boolean;
};

/** What the other side of a SAML source has to know, and the last messages. */
export type SamlSourceState = {
	entity_id: string;
	acs_url: string;
	slo_url: string;
	metadata_url: string;
	login_url: string;
	certificates: SamlSourceCertificate[];
	messages: SourceMessage[];
};

export type OAuthSourceState = { callback_url: string; login_url: string; messages: SourceMessage[] };

/** Settings of a SAML source that the published form does not have. */
export type SamlSourceBeyond = {
	idp_entity_id: string;
	further_verification_kps: string[];
	allow_unsigned: boolean;
	allow_sha1: boolean;
	slo_binding: "redirect" | "post";
	logout_other_side: boolean;
	username_attribute: string;
};

export type SamlSourceImported = { pk: string; slug: string; name: string; idp_entity_id: string };

/** What the server knows about makes of passkeys and security keys. */
export type PasskeyMetadata = {
	/** The number of the list that was taken in last, 0 for none. */
	number: number;
	next_update: string;
	taken: string | null;
	entries: number;
	skipped: number;
	stale: boolean;
	source: string;
	device_types: number;
	own: number;
	imported: number;
};

export type Access = {
	everyone: boolean;
	users: { pk: number; username: string; name: string }[];
	groups: { pk: string; name: string }[];
	sentence: string;
};

/** Where a value goes to and the page that says so are known of applications of the catalogue only. */
export type SetupValue = { id: string; label: string; value: string; secret: boolean; help: string; where: string; source: string };

export type CatalogNote = { text: string; source: string };
export type CatalogNeed = {
	what:
		| "client_type"
		| "signing"
		| "sub_mode"
		| "secret_length"
		| "scopes"
		| "pkce"
		| "acs_url"
		| "audience"
		| "slo_url"
		| "slo_binding"
		| "sign"
		| "name_id_format"
		| "name_id";
	value: string;
	source: string;
};

/** An application that can be added by its address. */
export type CatalogTemplate = {
	slug: string;
	name: string;
	/** One or two letters. */
	mark: string;
	category: string;
	about: string;
	protocol: "oidc" | "saml";
	/** An example of where it lives. */
	address: string;
	redirects: { uri: string; source: string }[];
	/** Where the application shows its redirect URI, when only it knows that. */
	redirect_hint: string;
	needs: CatalogNeed[];
	where: string;
	values: { label: string; value: string; where: string; source: string; json: boolean }[];
	notes: CatalogNote[];
	start: string;
	source: string;
	tried: boolean;
};

/** What the catalogue says of an application besides its values. */
export type CatalogGuide = {
	template: string;
	name: string;
	url: string;
	where: string;
	start: string;
	tried: boolean;
	source: string;
	needs: CatalogNeed[];
	notes: CatalogNote[];
};

export type ApplicationSetup = {
	application: Application;
	provider: OAuth2Provider | null;
	/** Instead of provider. */
	saml: SAMLProvider | null;
	values: SetupValue[];
	guide: CatalogGuide | null;
	warnings: string[];
	access: Access;
};

export type SamlDescribed = {
	audience: string;
	acs_url: string;
	sp_binding: "post" | "redirect";
	certificate: string;
	certificate_subject: string;
	certificate_expires: string | null;
	signs_requests: boolean;
	wants_assertions_signed: boolean;
	slo_url: string;
	slo_binding: "post" | "redirect";
};

export type SamlBeyond = {
	sign_assertion: boolean;
	sign_response: boolean;
	encryption_kp: string | null;
	encryption_cipher: string;
	slo_url: string;
	slo_binding: "post" | "redirect";
	allow_sha1: boolean;
};

export type AccessOfUser = { results: { slug: string; name: string; passing: boolean; reason: string }[] };

export type SearchHit = { model: string; kind: string; pk: string; title: string; subtitle: string; url: string };

export type BulkRow = { pk: string; name: string; ok: boolean; errors: Record<string, string[]>; used_by: number };
export type BulkOutcome = { dry_run: boolean; done: boolean; ok: number; failed: number; results: BulkRow[] };

export type Undone = {
	event: string;
	action: string;
	model: string;
	pk: string;
	name: string;
	fields: string[];
	notes: string[];
	possible: boolean;
	reason: string;
};

export type SheetLine = {
	line: number;
	action: "create" | "update" | "unchanged" | "error";
	name: string;
	changes: { column: string; was: string; now: string }[];
	errors: Record<string, string[]>;
};
export type SheetOutcome = {
	done: boolean;
	delimiter: string;
	columns: string[];
	create: number;
	update: number;
	unchanged: number;
	failed: number;
	lines: SheetLine[];
};

/** A name that an expression may use; its members stand behind a dot. */
export type ExpressionName = {
	name: string;
	kind: "variable" | "function" | "module" | "type" | "property";
	signature: string;
	help: string;
	members: ExpressionName[];
};
export type ExpressionNames = {
	results: ExpressionName[];
	builtins: string[];
	modules: { name: string; members: string[] }[];
};

/** Line and column count from 1; 0 where nothing is wrong or it is not known. */
export type ExpressionCheck = { ok: boolean; line: number; column: number; message: string };

export type ExpressionTry = {
	model: string;
	name: string;
	expression: string;
	user: number | null;
	context: Record<string, unknown>;
	field?: string;
};
export type ExpressionRun = {
	ok: boolean;
	/** Of policies only. */
	passing: boolean | null;
	/** What it returned, as JSON or as Python writes it. */
	result: string;
	messages: string[];
	log: LogEvent[];
	error: { type: string; message: string; line: number; trace: string } | null;
	microseconds: number;
};

/** With whom a flow is tried out; null where it is as the flow is meant. */
export type FlowTrial = { user: number | null; signed_in: boolean | null; remote: string; context: Record<string, unknown> };

export type FlowTriedPolicy = {
	/** The binding. */
	pk: string;
	via: "policy" | "group" | "user";
	target: string;
	/** Empty when one may not see it. */
	name: string;
	verbose_name: string;
	negate: boolean;
	order: number;
	enabled: boolean;
	/** Null when it was not asked. */
	passing: boolean | null;
	messages: string[];
	log_messages: LogEvent[];
	error: { type: string; message: string; line: number; trace: string } | null;
	took_ms: number;
};
export type FlowTriedStep = {
	order: number | null;
	/** Null for a step that a policy or a stage put in. */
	binding: string | null;
	stage: { pk: string; name: string; component: string; verbose_name: string; meta_model_name: string } | null;
	evaluated: "plan" | "run";
	re_evaluate: boolean;
	included: boolean | null;
	outcome: "asks" | "runs" | "skipped" | "denies" | "leaves" | "fails" | "open";
	challenge: string | null;
	to: string | null;
	message: string;
	user: string | null;
	policies: FlowTriedPolicy[];
};
export type FlowTried = {
	passing: boolean;
	messages: string[];
	signed_in: boolean;
	requirement: { authentication: string; met: boolean };
	flow_policies: FlowTriedPolicy[];
	flow_policies_user: string | null;
	steps: FlowTriedStep[];
};

/** What a provider has that the release does not. */
export type ProviderBeyond = {
	backchannel_logout_uri: string;
	backchannel_logout_session_required: boolean;
	require_pushed_authorization_requests: boolean;
	dpop_bound_access_tokens: boolean;
	dpop_nonce_required: boolean;
	resources: string;
};

/** Whether applications may register themselves, and the token that they need for it. */
export type Registration = { enabled: boolean; token: boolean; made: string | null };

export type InitialToken = { token: string; endpoint: string };

/** An application that registered itself; slug is empty when only its provider is left. */
export type SelfRegistered = { provider: number; name: string; slug: string; client_id: string; redirect_uris: string[] };

/** Why sign-ins at an application failed; fix says what would mend it here, with value. */
export type RefusedSignIn = {
	first: string;
	last: string;
	count: number;
	place: string;
	cause: string;
	says: string;
	came: string;
	expected: string;
	username: string;
	client_ip: string;
	fixed: boolean;
	fix: "add_redirect_uri" | "add_scope" | "add_resource" | "";
	value: string;
};

export type SignIns = { refused: RefusedSignIn[]; given: { when: string; username: string; scopes: string }[] };
