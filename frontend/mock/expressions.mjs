// The expressions of the mock: a few names, a check that counts brackets, and runs whose outcome the text decides.
const name = (name, kind, signature = "", help = "", members = []) => ({ name, kind, signature, help, members });
const user = [
	name("username", "property", "username: str", "The name to sign in with."),
	name("name", "property", "name: str", "The full name."),
	name("email", "property", "email: str", "The e-mail address."),
	name("is_superuser", "property", "is_superuser: bool", "Is an administrator."),
	name("ak_groups", "property", "ak_groups", "The groups of the user.", [name("all", "function", "all()", "All of them.")]),
	name("attributes", "property", "attributes: dict", "The attributes of the user."),
];
const request = name("request", "variable", "request", "Who asks for what.", [
	name("user", "property", "user: User", "The user it runs for.", user),
	name("context", "property", "context: dict", "What the flow knows so far."),
	name("http_request", "property", "http_request", "The request of the browser."),
]);
const common = [
	request,
	name("ak_is_group_member", "function", "ak_is_group_member(user, **filters)", "Is the user in a group that fits, or in one below it?"),
	name("ak_logger", "variable", "ak_logger", "Writes to the log.", [name("info", "function", "info(message, **values)", "Writes a line.")]),
	name("ip_network", "function", "ip_network(text)", "A network, as 192.168.1.0/24."),
	name("regex_match", "function", "regex_match(value, regex)", "Is the pattern found somewhere in the value?"),
];
const ofPolicies = [
	name("ak_message", "function", "ak_message(message)", "Says something to the person."),
	name("ak_client_ip", "variable", "ak_client_ip", "The address that the request came from."),
	name("ak_is_sso_flow", "variable", "ak_is_sso_flow: bool", "The person comes from another service."),
	name("context", "variable", "context: dict", "What the flow knows so far."),
];

const line = (level, event, attributes = {}) => ({
	timestamp: "2026-11-24T12:00:00.123456Z",
	log_level: level,
	logger: "only-from-the-office",
	event,
	attributes,
});

function check(text) {
	const lines = text.split("\n");
	for (const [index, content] of lines.entries()) {
		const open = content.split("(").length;
		if (open > content.split(")").length)
			return { ok: false, line: index + 1, column: content.indexOf("(") + 1, message: "'(' was never closed" };
	}
	return { ok: true, line: 0, column: 0, message: "" };
}

function run({ expression, model, user }) {
	const isPolicy = model === "authentik_policies_expression.expressionpolicy";
	const usual = { ok: true, passing: isPolicy ? true : null, result: "True", messages: [], log: [], error: null, microseconds: 412 };
	const wrong = check(expression);
	if (!wrong.ok)
		return {
			...usual,
			ok: false,
			passing: null,
			result: "",
			error: { type: "SyntaxError", message: wrong.message, line: wrong.line, trace: "" },
		};
	const at = expression.split("\n").findIndex((one) => one.includes('["missing"]'));
	if (at >= 0) {
		const trace = `Traceback (most recent call last):\n  File "only-from-the-office", line ${at + 1}, in <module>\nKeyError: 'missing'`;
		return {
			...usual,
			ok: false,
			passing: null,
			result: "",
			error: { type: "KeyError", message: "'missing'", line: at + 1, trace },
			log: [line("error", "Went wrong")],
		};
	}
	if (!isPolicy) return { ...usual, result: JSON.stringify({ sub: user, groups: ["Accounting", "Workshop"], email_verified: true }) };
	if (!expression.includes("ak_message")) return usual;
	return {
		...usual,
		passing: false,
		result: "False",
		messages: ["Come to the office for that."],
		log: [
			line("info", "Address looked at", { address: "203.0.113.9", networks: ["192.168.1.0/24"] }),
			line("warning", "An address from elsewhere, with a line that is long enough to need more than one line on a phone"),
		],
	};
}

/** Answers below /gatehouse/expressions/; nothing when the address is another. */
export function expressions(path, query, body) {
	switch (path) {
		case "/gatehouse/expressions/names/": {
			const isPolicy = query.get("model") === "authentik_policies_expression.expressionpolicy";
			const results = [...common, ...(isPolicy ? ofPolicies : [name("user", "variable", "user: User", "The user it runs for.", user)])];
			return [200, { results, builtins: ["len", "str", "sorted"], modules: [{ name: "re", members: ["match", "search", "sub"] }] }];
		}
		case "/gatehouse/expressions/check/":
			return [200, check(body.expression)];
		case "/gatehouse/expressions/run/":
			return [200, run(body)];
		default:
			return undefined;
	}
}

/** The published test of a saved policy or mapping. */
export function test(collection, row, body) {
	if (!body.user) return [400, { user: ["This field is required."] }];
	const { passing, messages, log, result } = run({ ...row, model: row.meta_model_name, expression: row.expression ?? "", user: body.user });
	if (collection === "/policies/all/") return [200, { passing, messages, log_messages: log }];
	return [200, { result, successful: true }];
}
