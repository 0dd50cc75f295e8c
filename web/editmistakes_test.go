package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"netmon/wire"
)

// TestEdit_EveryMistakeAtItsField: all mistakes come at once, above the form and at their
// fields, which keep what was typed; nothing is measured or saved.
func TestEdit_EveryMistakeAtItsField(t *testing.T) {
	m := newMesh(t, wire.RoleAdmin)
	v := m.visitor("the-token")
	for _, do := range []string{"save", "measure"} {
		code, page := v.send("/add?kind=https", "target", "ftp://x", "name", "a b", "every", "soon", "timeout", "25h", "on", "0 of all", "except", "2 of all", "tags", "shop\nteam=a b=c\nteam=x team=y", "slo", "100", "quorum", "0", "down", "9/3", "depends_on", "a b,a",
			"o.redirects", "many", "o.expect.status", "ok", "o.headers", "A", "o.auth.password", "hunter2", "o.expect.json", "{", "do", do)
		if code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", do, code)
		}
		inOrder(t, page, `role="alert"`, "Nothing was saved", `href="#f-target"`, `href="#f-name"`, `href="#f-every"`, `href="#f-on"`, `href="#f-o-redirects"`, "</ul>")
		for field, want := range map[string]string{
			"target": "ftp://x", "name": "&#34;a b&#34;", "every": "want a duration such as 500ms, 10s or 1m, got &#34;soon&#34;", "on": "0 of all", "except": "2 of all",
			"tags": "want NAME=VALUE such as team=shop, got &#34;shop&#34;", "slo": "100", "quorum": "want at least 1 agent", "down": "9/3",
			"o-redirects": "want a whole number, got &#34;many&#34;", "o-headers": "want NAME=VALUE, got &#34;A&#34;", "o-expect-json": "want a JSON list of objects",
		} {
			inOrder(t, page, `id="f-`+field+`"`, `aria-invalid="true"`, `id="f-`+field+`-m"`, want, "</p>")
		}
		for _, kept := range []string{`value="soon"`, `value="25h"`, `value="0 of all"`, "\nshop\n", `value="many"`, "team=x team=y"} {
			if !strings.Contains(page, kept) {
				t.Errorf("%s: %q is not kept", do, kept)
			}
		}
	}
	// What the kind says is said once the options can be read.
	_, page := v.send("/add?kind=https", "target", "https://x", "timeout", "25h", "o.expect.status", "ok", "o.auth.password", "hunter2", "do", "save")
	inOrder(t, page, `id="f-timeout-m"`, "got &#34;25h&#34;", `id="f-o-expect-status-m"`, `id="f-o-auth-password-m"`, "not the secret itself")
	// A secret that is written out is saved, and warned of, as by the commands.
	_, page = v.send("/add?kind=https", "target", "https://x", "name", "plain", "o.body", "password=hunter2", "do", "save")
	inOrder(t, page, "plain saved", "WARNING", "looks like a secret written out", "no agent has joined yet")
	// Of what is saved together.
	_, page = v.send("/monitors/plain/edit", "depends_on", "nosuch", "do", "save")
	inOrder(t, page, `id="f-depends_on-m"`, "no monitor &#34;nosuch&#34; is saved")
	_, page = v.send("/add?kind=tcp", "target", "h:1", "on", "region=eu", "do", "measure")
	inOrder(t, page, `id="f-on-m"`, "chooses no agent that is known", "netmon add tcp h:1")
	for path, want := range map[string]string{"/add?kind=htp": "did you mean http?", "/add?kind=%3Cscript%3E": "unknown kind"} {
		if _, page := v.get(path); !strings.Contains(page, want) {
			t.Errorf("%s: %s", path, page)
		}
	}
	for _, path := range []string{"/monitors/nosuch/edit", "/monitors/a%20b/edit", "/monitors/nosuch/edit?as=yaml", "/monitors/nosuch/stop", "/monitors/plain/rollback?to=9", "/add?of=nosuch"} {
		if code, _ := v.get(path); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
}

// TestEdit_WhoMay: nobody gets a form without signing in, a viewer none at all, and nothing
// is changed without the form's token, or by a form that is too large.
func TestEdit_WhoMay(t *testing.T) {
	m := newMesh(t, wire.RoleViewer)
	admin := newMesh(t, wire.RoleOperator)
	_, err := admin.ops.Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1"}})
	m.must(err)
	nobody, viewer, operator := m.visitor(""), m.visitor("the-token"), admin.visitor("the-token")
	was := admin.saved("web")
	for _, x := range (&Server{}).monitorActions() {
		path := strings.ReplaceAll(x.path, "{name}", "web")
		for who, c := range map[*visitor]int{nobody: http.StatusUnauthorized, viewer: http.StatusForbidden} {
			if code, _ := who.get(path); code != c {
				t.Errorf("GET %s: %d, want %d", path, code, c)
			}
			if code, _ := who.post(path, url.Values{"csrf": {"x"}, "do": {"save"}}); code != c {
				t.Errorf("POST %s: %d, want %d", path, code, c)
			}
		}
		if code, _ := operator.get(path); code != http.StatusOK {
			t.Errorf("operator: GET %s: %d", path, code)
		}
		for name, form := range map[string]url.Values{"none": {"do": {"save"}}, "another": {"csrf": {"AAAA"}, "do": {"save"}}} {
			if code, _ := operator.post(path, form); code != http.StatusForbidden {
				t.Errorf("POST %s with token %s: %d", path, name, code)
			}
		}
	}
	form := filled(t, page(t, operator, "/monitors/web/edit"))
	if code, _ := operator.post("/monitors/web/edit", with(form, "target", strings.Repeat("x", formMost))); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a form that is too large: %d", code)
	}
	if is := admin.saved("web"); is.Edition != was.Edition {
		t.Errorf("it was changed: %+v", is)
	}
}

func page(t *testing.T, v *visitor, path string) string {
	t.Helper()
	code, text := v.get(path)
	if code != http.StatusOK {
		t.Fatalf("%s: %d", path, code)
	}
	return text
}

// TestEdit_NothingBecomesMarkup: of no field, and of nothing that is saved, comes markup.
func TestEdit_NothingBecomesMarkup(t *testing.T) {
	m := newMesh(t, wire.RoleAdmin)
	v := m.visitor("the-token")
	typed := `"><script>alert(1)</script></textarea></select><img src=x onerror=alert(1)>`
	form := filled(t, page(t, v, "/add?kind=https"))
	for field := range form {
		if field != "csrf" {
			form.Set(field, typed)
		}
	}
	for _, do := range []string{"save", "measure"} {
		if code, text := v.post("/add?kind=https", with(form, "do", do)); code != http.StatusUnprocessableEntity || !strings.Contains(text, "&lt;script&gt;") {
			t.Errorf("%d", code)
		}
	}
	// What somebody else saved, past all forms.
	options, err := json.Marshal(map[string]any{"headers": map[string]string{"A": typed}, "body": typed + "\x1b[2J\u202e", "expect": map[string]any{"body_contains": []string{typed}, "json": []any{map[string]string{"path": "$", "regex": typed}}}})
	m.must(err)
	_, err = m.ops.Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "http", Target: "http://h/", Options: options}, Tags: map[string]string{"t": `"><script>`}})
	m.must(err)
	for _, path := range []string{"/monitors/web/edit", "/monitors/web/edit?as=yaml", "/monitors/web/rollback", "/monitors/web/rollback?to=1", "/monitors/web/delete", "/monitors/web", "/add?of=web", "/add?kind=http"} {
		page(t, v, path)
	}
	// It goes through the form unchanged, also what the form cannot hold.
	was := m.saved("web")
	if _, text := v.send("/monitors/web/edit", "every", "1m", "do", "save"); !strings.Contains(text, "netmon set web every=1m") {
		t.Error(text)
	}
	if is := m.saved("web"); string(is.Options) != string(was.Options) || is.Every.String() != "1m" || is.Tags["t"] != was.Tags["t"] {
		t.Errorf("%s, want %s", is.Options, was.Options)
	}
	if code, _ := v.post("/monitors/web/edit?as=yaml", with(filled(t, page(t, v, "/monitors/web/edit?as=yaml")), "text", typed)); code != http.StatusUnprocessableEntity {
		t.Error(code)
	}
}

// TestEdit_Meanwhile: who was faster is shown, with what they changed; what was typed stays,
// and the rest is theirs.
func TestEdit_Meanwhile(t *testing.T) {
	m := newMesh(t, wire.RoleAdmin)
	v := m.visitor("the-token")
	_, err := m.ops.Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1"}})
	m.must(err)
	form := filled(t, page(t, v, "/monitors/web/edit"))
	text := filled(t, page(t, v, "/monitors/web/edit?as=yaml"))
	rollback := filled(t, page(t, v, "/monitors/web/rollback?to=1"))
	theirs := m.saved("web")
	theirs.Every, theirs.Tags, theirs.Options = wire.Duration(60e9), map[string]string{"team": "shop"}, json.RawMessage(`{"within":"1s"}`)
	_, err = m.ops.EditAs(t.Context(), theirs, "set by hand")
	m.must(err)

	code, answer := v.post("/monitors/web/edit", with(form, "every", "30s", "target", "h:2", "do", "save"))
	inOrder(t, answer, `role="alert"`, "changed by another console meanwhile", "Changed meanwhile by", "revision 2", "set by hand", "every: 10s", "every: 1m", "as you typed it",
		`name="target" value="h:2"`, `name="every" value="30s"`, "Meanwhile somebody else made it", "1m", `name="o.within" value="1s"`, "team=shop")
	if is := m.saved("web"); code != http.StatusConflict || is.Target != "h:1" {
		t.Errorf("%d %+v", code, is)
	}
	_, answer = v.post("/monitors/web/edit", with(filled(t, answer), "do", "save"))
	inOrder(t, answer, "netmon set web every=30s target=h:2")
	if is := m.saved("web"); is.Target != "h:2" || is.Every.String() != "30s" || is.Tags["team"] != "shop" || string(is.Options) != `{"within":"1s"}` {
		t.Errorf("%+v", is)
	}

	text.Set("text", strings.Replace(text.Get("text"), "every: 10s", "every: 20s", 1))
	code, answer = v.post("/monitors/web/edit?as=yaml", text)
	inOrder(t, answer, "Changed meanwhile by", "The text below is yours", "every: 20s")
	if code != http.StatusConflict {
		t.Error(code)
	}
	if _, answer = v.post("/monitors/web/edit?as=yaml", filled(t, answer)); !strings.Contains(answer, "netmon edit web") {
		t.Error(answer)
	}
	if is := m.saved("web"); is.Every.String() != "20s" || len(is.Tags) > 0 || is.Edition != 4 {
		t.Errorf("%+v", is)
	}
	code, answer = v.post("/monitors/web/rollback?to=1", rollback)
	inOrder(t, answer, "Roll web back to revision 1", "changed by another console meanwhile", "What changes of revision 4")
	if code != http.StatusConflict {
		t.Error(code)
	}
}

// TestEdit_AsText: what the form cannot say the text can, strictly.
func TestEdit_AsText(t *testing.T) {
	m := newMesh(t, wire.RoleAdmin)
	v := m.visitor("the-token")
	_, err := m.ops.Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "dialogue", Kind: "tcp", Target: "h:1", Options: json.RawMessage(`{"quit":"QUIT\r\n"}`)}})
	m.must(err)
	if text := page(t, v, "/monitors/dialogue/edit"); !strings.Contains(text, `href="?as=yaml">Change it as YAML`) || strings.Contains(text, `name="o.quit"`) {
		t.Error("a text with a carriage return is in a field, which loses it")
	}
	for text, want := range map[string]string{
		"monitors:\n- name: dialogue\n  kind: tcp\n  target: h\n  every: soon\n  nosuch: 1\n": "line 4: target: want host:port",
		"a: [":         "line 1",
		"monitors: []": "want the one monitor",
		"channels:\n- {name: a, kind: nosuch}\nmonitors: [{name: dialogue, kind: tcp, target: 'h:1'}]": "want the one monitor",
		"monitors: [{name: other, kind: tcp, target: 'h:1'}]":                                          "its results go by its name",
		strings.Repeat("- ", 1000): "nested over 100 levels deep",
	} {
		code, answer := v.send("/monitors/dialogue/edit?as=yaml", "text", text)
		if code != http.StatusUnprocessableEntity || !strings.Contains(answer, want) {
			t.Errorf("%q: %d, want %q in\n%s", text, code, want, answer)
		}
	}
	form := filled(t, page(t, v, "/monitors/dialogue/edit?as=yaml"))
	form.Set("text", strings.Replace(form.Get("text"), `"options"`, `"paused":true,"options"`, 1))
	if _, answer := v.post("/monitors/dialogue/edit?as=yaml", form); !strings.Contains(answer, "dialogue changed") {
		t.Error(answer)
	}
	if is := m.saved("dialogue"); !is.Paused || string(is.Options) != `{"quit":"QUIT\r\n"}` {
		t.Errorf("%+v %s", is, is.Options)
	}
}
