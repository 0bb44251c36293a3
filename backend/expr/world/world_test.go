package world_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"gatehouse/backend/expr"
	"gatehouse/backend/policy/expression"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/totp"
	"gatehouse/backend/user"
)

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEnvironment asks each name of the environment: the text, and its value as JSON or the error.
func TestEnvironment(t *testing.T) {
	h := open(t)
	h.nia = h.User("nia", "", func(u *user.User) { u.Email = "nia@other.example" })
	d := stagetest.New[totp.Device](h.House)
	d.User, d.Name, d.Confirmed = h.mona.PK, "phone", true
	h.Make(d)
	for _, p := range []struct{ name, text string }{
		{"yes", "ak_message('fine')\nreturn True"}, {"sees", "return context.get('extra')"}, {"raises", "return {}['gone']"}, {"loops", "return ak_call_policy('loops').passing"},
	} {
		n := stagetest.New[expression.Policy](h.House)
		n.Name, n.Expression = p.name, p.text
		h.Make(n)
	}
	for _, tt := range []struct{ text, want string }{
		// people
		{`return [request.user.username, request.user.name, request.user.email, request.user.is_active, request.user.path, request.user.type]`, `["mona","Mona van Doe","mona@example.com",true,"users","internal"]`},
		{`return request.user.pk == request.user.id and isinstance(request.user.pk, int)`, `true`},
		{`return len(request.user.uid) == 64 and str(request.user.uuid).count("-") == 4`, `true`},
		{`return [request.user.is_superuser, request.user.is_authenticated, request.user.is_anonymous]`, `[false,true,false]`},
		{`return request.user.attributes["settings"]["locale"] + str(request.user.attributes.get("level"))`, `"de7"`},
		{`return request.user.locale()`, `"de"`},
		{`return request.user.group_attributes(request)["roles"]`, `["r3","r1","r2"]`},
		{`return request.user.has_usable_password()`, `false`},
		{`return request.user.date_joined.year >= 2024 and request.user.password_change_date is None`, `true`},
		{`return request.user == context["pending_user"] and hash(request.user) == hash(context["pending_user"])`, `true`},
		{`return f"{request.user}"`, `"mona"`},
		{`return repr(request.user)`, `"\u003cUser: mona\u003e"`},
		{`return getattr(request.user, "backend", None)`, `null`},
		{`return request.user.password`, `AttributeError: 'User' object has no attribute 'password'`},
		{`return request.user.room`, `AttributeError: 'User' object has no attribute 'room'`},
		{`return request.user._meta.model_name`, `"user"`},
		// relations
		{`return [g.name for g in request.user.ak_groups.all()]`, `["acl_Wiki","team-blue-2","team-blue-5","test_group"]`},
		{`return [g.name for g in request.user.ak_groups.filter(name__startswith="team").order_by("-name")]`, `["team-blue-5","team-blue-2"]`},
		{`return request.user.ak_groups.filter(name="test_group").exists()`, `true`},
		{`return request.user.ak_groups.exclude(name__icontains="BLUE").count()`, `2`},
		{`return request.user.ak_groups.first().attributes.get("role")`, `"viewer"`},
		{`return request.user.ak_groups.values_list("name", flat=True)`, `["acl_Wiki","team-blue-2","team-blue-5","test_group"]`},
		{`return list(request.user.ak_groups.values("name", "attributes__role"))[0]`, `{"attributes__role":"viewer","name":"acl_Wiki"}`},
		{`return [g.name for g in request.user.ak_groups.all()[1:3]]`, `["team-blue-2","team-blue-5"]`},
		{`return request.user.ak_groups.all()[0].name`, `"acl_Wiki"`},
		{`return len(request.user.ak_groups.all()) if request.user.ak_groups.all() else 0`, `4`},
		{`return request.user.ak_groups.get(name="test_group") in request.user.ak_groups.all()`, `true`},
		{`return request.user.ak_groups.get(name="none")`, `DoesNotExist: Group matching query does not exist.`},
		{`return request.user.ak_groups.get(name__endswith="5").users.first().username`, `"mona"`},
		{`for g in request.user.ak_groups: pass`, `TypeError: 'ManyRelatedManager' object is not iterable`},
		{`return request.user.ak_groups.filter(colour="x")`, `FieldError: Cannot resolve keyword 'colour' into field. Choices are: attributes, is_superuser, name, num_pk, parent, pk`},
		{`return request.user.totpdevice_set.all()[0].name`, `"phone"`},
		// models
		{"from authentik.core.models import User, Group\nreturn User.objects.filter(email__iexact='MONA@example.com').exists() and Group.objects.count() == 5", `true`},
		{"from authentik.core.models import User\nreturn [u.username for u in User.objects.filter(ak_groups__name='test_group')]", `["mona"]`},
		{"from authentik.core.models import User\nreturn User.objects.filter(attributes__team='blue', attributes__settings__locale__in=['de','fr']).first().username", `"mona"`},
		{"from authentik.core.models import User\ntry:\n    User.objects.get(username='gone')\nexcept User.DoesNotExist as e:\n    return str(e)", `"User matching query does not exist."`},
		{"from authentik.core.models import User\nreturn isinstance(request.user, User)", `true`},
		{"from authentik.core.models import User\nreturn User.objects.filter(password='x')", `FieldError: Cannot resolve keyword 'password' into field.`},
		{"from authentik.core.models import USER_ATTRIBUTE_CHANGE_NAME\nreturn USER_ATTRIBUTE_CHANGE_NAME", `"goauthentik.io/user/can-change-name"`},
		{"from authentik.flows.models import Flow, FlowAuthenticationRequirement\nreturn [Flow.objects.filter(slug='x').exists(), FlowAuthenticationRequirement.REQUIRE_SUPERUSER]", `[false,"require_superuser"]`},
		{"from authentik.stages.authenticator_totp.models import TOTPDevice\nreturn TOTPDevice.objects.filter(user=request.user, confirmed=True).exists()", `true`},
		{"from authentik.stages.authenticator_webauthn.models import WebAuthnDevice\nreturn WebAuthnDevice.objects.filter(user=request.user, confirmed=True).exists()", `false`},
		{"import authentik.core.models\nreturn authentik.core.models.User.objects.count()", `8`},
		{"from authentik.root.settings import SECRET_KEY", `ModuleNotFoundError: No module named 'authentik.root.settings'`},
		// the request
		{`return [request.http_request.path, request.http_request.method, request.http_request.GET.get("next"), request.http_request.is_secure()]`, `["/if/flow/login/","GET","/if/user/",true]`},
		{`return request.http_request.META["HTTP_USER_AGENT"] + request.http_request.META["REMOTE_ADDR"]`, `"Mozilla/5.010.0.0.9"`},
		{`return [request.http_request.headers["x-team"], request.http_request.headers.get("Authorization"), "HTTP_AUTHORIZATION" in request.http_request.META]`, `["blue",null,false]`},
		{`return request.http_request.COOKIES`, `{"authentik_session":"********************","theme":"dark"}`},
		{`return request.http_request.build_absolute_uri("/x")`, `"https://login.office.lan:9443/x"`},
		{`return [request.http_request.tenant.default_user_change_name, request.http_request.brand.branding_title]`, `[true,"Gatehouse"]`},
		{`return request.http_request.user.is_anonymous`, `true`},
		{`return ak_client_ip in ip_network("10.0.0.0/8") and ak_client_ip.is_private`, `true`},
		{`return [ak_is_sso_flow, request.debug]`, `[false,false]`},
		{`return http_request.path`, `"/if/flow/login/"`},
		// the plan
		{`return context["flow_plan"].context["prompt_data"]["username"]`, `"nia"`},
		{`return context["flow_plan"] == request.context["flow_plan"]`, `true`},
		{`return request.context["prompt_data"] is context["flow_plan"].context["prompt_data"]`, `true`},
		// functions
		{`return ak_user_by(username="nia").email`, `"nia@other.example"`},
		{`return [ak_user_by(username="gone"), ak_user_by(colour="red")]`, `[null,null]`},
		{`return [ak_is_group_member(request.user, name="test_group"), ak_is_group_member(request.user, name="x")]`, `[true,false]`},
		{`return [ak_user_has_authenticator(request.user), ak_user_has_authenticator(request.user, "totp"), ak_user_has_authenticator(request.user, "webauthn")]`, `[true,true,false]`},
		{`return [regex_match("nia-admin", "admin$"), regex_match("nia", "^a"), regex_replace("a1b2", "[0-9]", "")]`, `[true,false,"ab"]`},
		{`return [list_flatten(["a", "b"]), list_flatten([]), list_flatten("c")]`, `["a",null,"c"]`},
		{`r = ak_call_policy("yes")` + "\nreturn [r.passing, list(r.messages), r.raw_result]", `[true,["fine"],true]`},
		{`return [ak_call_policy("sees", extra=5).raw_result, context["extra"]]`, `[5,5]`},
		{`return ak_call_policy("none")`, `ValueError: Policy 'none' not found.`},
		{`return ak_call_policy("raises")`, `PolicyException: raises: KeyError: 'gone' (line 1)`},
		{`return ak_call_policy("loops")`, `RecursionError: policies call each other without end`},
		{`return resolve_dns("127.0.0.1", 4)`, `["127.0.0.1"]`},
		{`return reverse_dns("no address")`, `"no address"`},
		{`return ip_address("10.0.0.9") == ak_client_ip`, `true`},
		// what a mapping has and a policy does not
		{`return user`, `NameError: name 'user' is not defined`},
		// results
		{`return {"a": (1, 2), "b": {3}, 4: None}`, `{"4":null,"a":[1,2],"b":[3]}`},
		{"yield 1\nyield 'x'", `[1,"x"]`},
		{`return [request.user, context["flow_plan"].context["pending_user"].pk == request.user.pk]`, `["mona",true]`},
	} {
		res, err := h.ask(t, h.request(h.mona), tt.text)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = asJSON(t, res.Value)
		}
		if err == nil && got != tt.want || err != nil && !strings.HasPrefix(strings.SplitN(got, " (line", 2)[0], tt.want) && !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// TestNobody asks for nobody and for somebody who is made up.
func TestNobody(t *testing.T) {
	h := open(t)
	r := h.request(nil)
	r.Context["pending_user"] = map[string]any{"fake": "typed"}
	for _, tt := range []struct{ text, want string }{
		{`return [request.user.is_authenticated, request.user.pk, request.user.username, request.user.attributes, request.user.ak_groups.all().exists()]`, `[false,null,"",{},false]`},
		{`return context["pending_user"].username`, `"typed"`},
		{`return list(context["pending_user"].ak_groups.all())`, `[]`},
	} {
		res, err := h.ask(t, r, tt.text)
		if err != nil || asJSON(t, res.Value) != tt.want {
			t.Errorf("%s: %v %v, want %s", tt.text, res.Value, err, tt.want)
		}
	}
}

// TestMessagesAndLog holds what a run says.
func TestMessagesAndLog(t *testing.T) {
	h := open(t)
	res, err := h.ask(t, h.request(h.mona), "ak_logger.info('seen', who=request.user, n=3)\nak_message('no')\nak_message(5)\n")
	if err != nil || res.True || res.Value != nil || !reflect.DeepEqual(res.Messages, []string{"no", "5"}) {
		t.Errorf("%v %v", res, err)
	}
	if len(res.Log) != 2 || res.Log[0].Text != "seen" || res.Log[0].Level != "info" || !reflect.DeepEqual(res.Log[0].Attributes, map[string]any{"who": "mona", "n": int64(3)}) || res.Log[1].Level != "warning" {
		t.Errorf("%v", res.Log)
	}
	// What was said before it failed is not lost.
	res, err = h.ask(t, h.request(h.mona), "ak_message('first')\nreturn 1/0")
	if err == nil || !reflect.DeepEqual(res.Messages, []string{"first"}) || !strings.Contains(err.Error(), "ZeroDivisionError: division by zero (line 2)") {
		t.Errorf("%v %v", res, err)
	}
}

// TestPlanChanges holds what a policy may do to the plan, and that a failed or dry run does nothing.
func TestPlanChanges(t *testing.T) {
	text := `
plan = context["flow_plan"]
plan.context["redirect"] = "/x"
context["prompt_data"]["email"] = "new@example.com"
context["prompt_data"].pop("password")
from authentik.core.models import Group
plan.context["groups"] = Group.objects.filter(name="test_group")
plan.context["pending_user"] = ak_user_by(username="mona")
plan.redirect("https://elsewhere.example/")
return True`
	h := open(t)
	r := h.request(nil)
	plan := r.Plan.(*stage.Plan)
	if _, err := h.ask(t, r, text); err != nil {
		t.Fatal(err)
	}
	data := plan.Context[stage.PromptData].(map[string]any)
	if plan.Context["redirect"] != "/x" || data["email"] != "new@example.com" || data["password"] != nil || len(data) != 3 {
		t.Errorf("%v", plan.Context)
	}
	if pk, _, ok := plan.UserPK(); !ok || pk != h.mona.PK {
		t.Errorf("pending user: %v", plan.Context[stage.PendingUser])
	}
	if !reflect.DeepEqual(plan.Context["groups"], []any{stage.Ref("authentik_core.group", h.groups["test_group"].PK)}) {
		t.Errorf("groups: %v", plan.Context["groups"])
	}
	if !reflect.DeepEqual(plan.Steps, []stage.Step{{Inline: stage.RedirectStep, Params: map[string]any{"to": "https://elsewhere.example/"}}}) {
		t.Errorf("steps: %v", plan.Steps)
	}
	for name, change := range map[string]func() string{
		"failed": func() string { return strings.Replace(text, "return True", "return 1/0", 1) },
		"dry":    func() string { return text },
		"script": func() string { return strings.Replace(text, "https://elsewhere.example/", "javascript:alert(1)", 1) },
	} {
		r := h.request(nil)
		r.Debug = name == "dry"
		before := asJSON(t, r.Plan)
		_, err := h.ask(t, r, change())
		if (err == nil) != (name == "dry") || asJSON(t, r.Plan) != before {
			t.Errorf("%s: %v %s", name, err, asJSON(t, r.Plan))
		}
	}
}

// TestWrites holds what an expression may change in the house, with its events, and that a dry run changes nothing.
func TestWrites(t *testing.T) {
	h := open(t)
	run := func(text string, dry bool) (expr.Result, error) {
		r := h.request(h.mona)
		r.Debug = dry
		return h.ask(t, r, text)
	}
	text := `
from authentik.core.models import Group, User
g, made = Group.objects.get_or_create(name="new", defaults={"attributes": {"a": 1}})
request.user.ak_groups.add(g)
request.user.ak_groups.remove(Group.objects.get(name="test_group"))
request.user.attributes["seen"] = True
request.user.name = "Mona"
request.user.save()
User.objects.filter(username="mona").update(email="m@example.com")
ak_create_event("greeting", text="hello", who=request.user)
u = User.objects.create(username="otto", name="Otto", email="otto@example.com")
u.set_password("a long enough word")
u.save()
return [made, request.user.name, u.has_usable_password()]`
	if res, err := run(text, true); err != nil || h.Count("usergroups", "name = 'new'") != 0 || h.Count("users", "username = 'otto'") != 0 || h.Person(h.mona.PK).Name != "Mona van Doe" || len(res.Log) == 0 {
		t.Fatalf("a dry run: %v %v", res, err)
	}
	if n := len(h.Heard("custom_greeting")); n != 0 {
		t.Errorf("a dry run writes %d events", n)
	}
	res, err := run(text, false)
	if err != nil || asJSON(t, res.Value) != `[true,"Mona",true]` {
		t.Fatalf("%v %v", res.Value, err)
	}
	m := h.Person(h.mona.PK)
	if m.Name != "Mona" || m.Email != "m@example.com" || m.Attributes["seen"] != true || m.Attributes["team"] != "blue" {
		t.Errorf("%+v", m)
	}
	names, err := h.Users.GroupNames(t.Context(), m.PK)
	if err != nil || !reflect.DeepEqual(names, []string{"acl_Wiki", "new", "team-blue-2", "team-blue-5"}) {
		t.Errorf("%v %v", names, err)
	}
	es := h.Heard("custom_greeting")
	if len(es) != 1 || es[0].App != "test" || es[0].Context["text"] != "hello" || es[0].Context["who"] != "mona" || es[0].ClientIP == nil || *es[0].ClientIP != "10.0.0.9" {
		t.Errorf("%+v", es)
	}
	if n := len(h.Heard("model_updated")); n < 3 {
		t.Errorf("%d model_updated events", n)
	}
	for _, tt := range []struct{ text, want string }{
		{"request.user.uuid = 'x'", "AttributeError: 'uuid' of a User can't be set here"},
		{"request.user.is_superuser = True", "AttributeError: 'is_superuser' of a User can't be set here"},
		{"request.user.email = 'no address'\nrequest.user.save()", "ValidationError: email: Enter a valid email address."},
		{"request.user.set_password('short')\nrequest.user.save()", "ValidationError: password: Use at least 8 characters."},
		{"from authentik.flows.models import Flow\nFlow.objects.filter(slug='x').update(title='y')", "AttributeError: 'title' of a Flow can't be set here"},
		{"from authentik.core.models import User\nUser.objects.all().delete()", "AttributeError: 'QuerySet' object has no attribute 'delete'"},
		{"from authentik.stages.authenticator_totp.models import TOTPDevice\nTOTPDevice.objects.create(name='x')", "AttributeError: a TOTPDevice can't be made here"},
	} {
		if _, err := run(tt.text, false); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// TestFirstRunFlow holds that only the first-run flow's requirement may be changed.
func TestFirstRunFlow(t *testing.T) {
	h := open(t)
	first, other := h.Flow("initial-setup", "stage_configuration"), h.Flow("other", "authentication")
	text := "from authentik.flows.models import Flow, FlowAuthenticationRequirement as A\nreturn Flow.objects.filter(slug='SLUG').update(authentication=A.REQUIRE_SUPERUSER)"
	if res, err := h.ask(t, h.request(h.mona), strings.Replace(text, "SLUG", "initial-setup", 1)); err != nil || asJSON(t, res.Value) != "1" {
		t.Errorf("%v %v", res.Value, err)
	}
	if _, err := h.ask(t, h.request(h.mona), strings.Replace(text, "SLUG", "other", 1)); err == nil || !strings.Contains(err.Error(), "PermissionError") {
		t.Errorf("another flow: %v", err)
	}
	for pk, want := range map[string]string{first.PK: "require_superuser", other.PK: "none"} {
		k := h.Store.Kind("authentik_flows.flow")
		v, err := h.Store.Get(t.Context(), k, "pk", pk)
		if err != nil || k.Value(v, k.Field("authentication")).String() != want {
			t.Errorf("%v, want %s", v, want)
		}
	}
}

// TestMappingFailure holds the event of a mapping that fails.
func TestMappingFailure(t *testing.T) {
	h := open(t)
	call := expr.Call{Use: expr.Mapping, Name: "my mapping", Text: "x = 1\nreturn user.nothing", Vars: expr.Vars{"user": h.mona}}
	if _, err := h.w.Run(t.Context(), call); err == nil {
		t.Error("no error")
	}
	es := h.Heard("property_mapping_exception")
	if len(es) != 1 || es[0].App != "my mapping" || es[0].Context["expression"] != call.Text || !strings.Contains(es[0].Context["message"].(string), "line 2\nAttributeError: 'User' object has no attribute 'nothing'") {
		t.Errorf("%+v", es)
	}
	call.Dry = true
	if _, err := h.w.Run(t.Context(), call); err == nil || len(h.Heard("property_mapping_exception")) != 1 {
		t.Errorf("a dry run: %v", err)
	}
}

// TestCheck holds the text of a syntax error.
func TestCheck(t *testing.T) {
	h := open(t)
	for text, want := range map[string]string{
		"return 1": "", " ": "This field may not be blank.", "return (": "Expression Syntax Error: ", "return 1\nclass A: pass": "Expression Syntax Error: ",
	} {
		err := h.w.Check(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
