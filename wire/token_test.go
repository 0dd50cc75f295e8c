package wire

import (
	"strings"
	"testing"
)

func TestCheckToken(t *testing.T) {
	long := strings.Repeat("a", MaxToken)
	for _, s := range []string{"a", "Paris-1_b", "0", "_", "a-", long} {
		if err := CheckToken(s); err != nil {
			t.Errorf("CheckToken(%q) = %v", s, err)
		}
	}
	for _, s := range []string{"", "oslo.1", "*", ">", "a b", "a\n", "é", "a/b", "$SYS", long + "a", "\x00", "-", "-v", "--on"} {
		if CheckToken(s) == nil {
			t.Errorf("CheckToken(%q) accepts it", s)
		}
	}
}

func TestMakeToken(t *testing.T) {
	for in, want := range map[string]string{
		"web1":                   "web1",
		"web1.example.org":       "web1-example-org",
		"..a  b..":               "a-b",
		"":                       "agent",
		"日本":                     "agent",
		"Ann's Mac":              "Ann-s-Mac",
		"-web--1":                "web--1",
		"--":                     "agent",
		strings.Repeat("x.", 99): strings.Repeat("x-", 32),
	} {
		if got := MakeToken(in); got != want {
			t.Errorf("MakeToken(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestCheckElement: older data may hold names that begin with -.
func TestCheckElement(t *testing.T) {
	for s, want := range map[string]bool{"a": true, "-v": true, "-": true, "": false, "a.b": false, "*": false, strings.Repeat("-", MaxToken+1): false} {
		if got := CheckElement(s) == nil; got != want {
			t.Errorf("CheckElement(%q) accepts it: %v, want %v", s, got, want)
		}
	}
}

func FuzzMakeToken(f *testing.F) {
	f.Add("web1.example.org")
	f.Add("")
	f.Add("\xff\x00.*>")
	f.Fuzz(func(t *testing.T, s string) {
		got := MakeToken(s)
		if err := CheckToken(got); err != nil {
			t.Errorf("MakeToken(%q) = %q: %v", s, got, err)
		}
		if CheckToken(s) == nil && got != s {
			t.Errorf("MakeToken(%q) = %q changes a legal token", s, got)
		}
	})
}
