package main

import (
	"os/exec"
	"strings"
	"testing"

	"netmon/internal/need"
)

func TestVersionOf(t *testing.T) {
	t.Chdir("../..")
	source, err := sourceVersion()
	if err != nil || !semantic.MatchString(source) {
		t.Fatalf("the source is of version %q, error %v", source, err)
	}
	for name, c := range map[string]struct {
		given string
		commit
		want, wantErr string
	}{
		"a given one":                 {given: "0.2.0", want: "0.2.0"},
		"a given one with a v":        {given: "v0.2.0-rc.1", want: "0.2.0-rc.1"},
		"a given one of two parts":    {given: "0.2", wantErr: `got "0.2"`},
		"a given one that is a flag":  {given: "1.0.0 -X main.a=b", wantErr: "1.0.0 -X"},
		"the commit of a tag":         {commit: commit{tag: "v0.3.0", hash: "abc"}, want: "0.3.0"},
		"a commit after a tag":        {commit: commit{tag: "v0.3.0", beyond: 4, hash: "abc"}, want: "0.3.0+git4.abc"},
		"a commit without a tag":      {commit: commit{count: 7, hash: "abc"}, want: source + "+git7.abc"},
		"a tag, and what is changed":  {commit: commit{tag: "v0.3.0", hash: "abc", changed: true}, want: "0.3.0+git0.abc.changed"},
		"no clone":                    {want: source},
		"a tag that is not a version": {commit: commit{tag: "v3", hash: "abc"}, wantErr: `tag "v3"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := versionOf(c.given, c.commit)
			if got != c.want || (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
				t.Errorf("versionOf = %q, %v, want %q, %q", got, err, c.want, c.wantErr)
			}
		})
	}
}

// TestDebianVersion has dpkg order the versions: before a release, it, after it, the next.
func TestDebianVersion(t *testing.T) {
	dpkg := need.Tool(t, "dpkg", "dpkg")
	last := ""
	for _, v := range []string{"0.2.0-alpha-1", "0.2.0-rc.1", "0.2.0-rc.1+git3.abc", "0.2.0", "0.2.0+git1.fff", "0.2.0+git12.abc", "0.2.1-rc.1", "0.10.0"} {
		version := debianVersion(v)
		if out, err := exec.Command(dpkg, "--validate-version", version).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", version, out)
		}
		if last != "" && exec.Command(dpkg, "--compare-versions", last, "lt", version).Run() != nil {
			t.Errorf("%s is not before %s", last, version)
		}
		last = version
	}
}

func TestParseTargets(t *testing.T) {
	if list, err := parseTargets(" "); err != nil || len(list) != len(allTargets()) {
		t.Errorf("%v, %v", list, err)
	}
	list, err := parseTargets("linux/arm windows/amd64 linux/arm")
	if err != nil || len(list) != 2 || list[0].name() != "linux_armv6" || list[0].debian() != "armhf" || list[1].debian() != "" || list[1].program() != "netmon.exe" {
		t.Errorf("%v, %v", list, err)
	}
	_, err = parseTargets("linux/mips plan9 linux/amd64")
	if err == nil || !strings.Contains(err.Error(), `got "linux/mips", "plan9"`) {
		t.Error(err)
	}
}
