package access

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/wire"
)

// TestOpenKeys_OfBeforeNotifiers: the keys that an older netmon knew nothing of are
// made, once; any other that is missing was lost, and no start writes another in its place.
func TestOpenKeys_OfBeforeNotifiers(t *testing.T) {
	dir := t.TempDir()
	if _, err := openKeys(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, keysName)
	change := func(do func(f *keyFile)) {
		t.Helper()
		data, err := os.ReadFile(path)
		var f keyFile
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		if err == nil {
			do(&f)
			err = f.write(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change(func(f *keyFile) {
		delete(f.Accounts, accountNotifiers)
		delete(f.Roles, wire.RoleNotifier)
	})
	first, err := openKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := openKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, get := range []func(k *keys) string{
		func(k *keys) string { return public(k.accounts[accountNotifiers]) },
		func(k *keys) string { return public(k.roles[wire.RoleNotifier]) },
	} {
		if a, b := get(first), get(second); a == "" || a != b {
			t.Errorf("made %q, and then %q", a, b)
		}
	}
	if public(first.roles[wire.RoleNotifier]) == public(first.accounts[accountNotifiers]) {
		t.Error("the account and the role have one key")
	}
	for what, lose := range map[string]func(f *keyFile){
		"account NOTIFIERS": func(f *keyFile) { delete(f.Accounts, accountNotifiers) },
		"role notifier":     func(f *keyFile) { delete(f.Roles, wire.RoleNotifier) },
		"account AGENTS":    func(f *keyFile) { delete(f.Accounts, accountAgents) },
		"role viewer":       func(f *keyFile) { delete(f.Roles, wire.RoleViewer) },
	} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		change(lose)
		lost, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := openKeys(dir); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("without %s: %v", what, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(lost) {
			t.Errorf("without %s: the file was written", what)
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
