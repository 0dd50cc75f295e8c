//go:build unix

package notify

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"netmon/internal/need"
	"netmon/notify/policy"
)

// programs is a folder of programs of the test's.
func programs(t *testing.T, list map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o700)
	for name, text := range list {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func execPolicy(t *testing.T, dir string) *policy.Policy {
	t.Helper()
	f := policy.Default()
	f.Exec = dir
	p, err := policy.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestExec_Outcomes(t *testing.T) {
	need.Time(t)
	t.Setenv("NETMON_SECRET_X", "s3cret")
	dir := programs(t, map[string]string{
		"good": `cat > input; env | sort > environment; echo "told $NETMON_INCIDENT"; echo more`,
		"75":   "echo later >&2; exit 75", "65": "echo bad data >&2; exit 65", "1": "echo broken >&2; exit 1", "signal": "kill -9 $$",
		"slow": "sleep 60 & echo $! > child; wait", "leaves": "sleep 60 & echo $! > left; echo done",
		"deaf": "exec 0<&-; echo ok", "loud": "yes | head -c 1000000; exit 0",
	})
	p := execPolicy(t, dir)
	for name, tt := range map[string]struct {
		want  string // of the error; "" is sent
		never bool
	}{
		"good": {"", false}, "75": {"program 75: exit status 75: later", false}, "65": {"program 65: exit status 65: bad data", true},
		"1": {"program 1: exit status 1: broken", false}, "signal": {"program signal: signal: killed", false}, "slow": {"program slow was killed after 1s", false},
		"leaves": {"", false}, "deaf": {"", false}, "loud": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := channelOf(t, `{"name":"ops","kind":"exec","program":"`+name+`","timeout":"`+map[bool]string{true: "1s", false: "30s"}[name == "slow"]+`"}`)
			if err := c.check(p); err != nil {
				t.Fatal(err)
			}
			err := sendBy(t, p, c)
			var refusal *Refusal
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || errors.As(err, &refusal) != tt.never {
				t.Errorf("%v, want %q, for good %v", err, tt.want, tt.never)
			}
		})
	}
	data, err := os.ReadFile(filepath.Join(dir, "input"))
	if err != nil {
		t.Fatal(err)
	}
	var got Payload
	if err := json.Unmarshal(data, &got); err != nil || got.Key != "web-paris-1-7-ops-1" || len(got.Incident.Members) != 2 {
		t.Errorf("input %s (%v)", data, err)
	}
	environment, err := os.ReadFile(filepath.Join(dir, "environment"))
	if err != nil || strings.Contains(string(environment), "s3cret") || !strings.Contains(string(environment), "NETMON_KEY=web-paris-1-7-ops-1\n") {
		t.Errorf("environment %s (%v)", environment, err)
	}
	for _, name := range []string{"child", "left"} { // what a program leaves behind is ended
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		eventually(t, "the child of "+name+" is gone", func() bool {
			stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			return syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(stat), ") Z ")
		})
	}
}

// TestExec_WhatMayRun: only programs of the folder that others cannot write.
func TestExec_WhatMayRun(t *testing.T) {
	dir := programs(t, map[string]string{"good": "exit 0", "open": "exit 0", "data": "exit 0"})
	os.Chmod(filepath.Join(dir, "open"), 0o777)
	os.Chmod(filepath.Join(dir, "data"), 0o600)
	os.Mkdir(filepath.Join(dir, "folder"), 0o700)
	os.Symlink("/bin/true", filepath.Join(dir, "link"))
	p := execPolicy(t, dir)
	for name, want := range map[string]string{"good": "", "open": "everybody may write it", "data": "may not be run", "folder": "not a regular file", "link": "not a regular file", "gone": "is not in the folder"} {
		c := channelOf(t, `{"name":"ops","kind":"exec","program":"`+name+`"}`)
		for _, err := range []error{c.check(p), sendBy(t, p, c)} {
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
	c := channelOf(t, `{"name":"ops","kind":"exec","program":"good"}`)
	if err := c.check(policyOf(t, `{}`)); err == nil || !strings.Contains(err.Error(), "exec names no folder") {
		t.Errorf("without a folder: %v", err)
	}
	os.Chmod(dir, 0o777)
	if err := sendBy(t, p, c); err == nil || !strings.Contains(err.Error(), "everybody may write it") {
		t.Errorf("a folder that everybody writes: %v", err)
	}
	for _, name := range []string{"", ".", "..", "../good", "/bin/sh", "a/b", "a\nb", `a\b`} {
		settings, _ := json.Marshal(map[string]string{"program": name})
		if _, err := execKind().New(settings); err == nil {
			t.Errorf("%q is a program", name)
		}
	}
}
