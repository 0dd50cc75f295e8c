package words

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"netmon/internal/need"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                               nil,
		"  start  web\ton paris ":        {"start", "web", "on", "paris"},
		`add tcp 'a b' "c d"e\ f`:        {"add", "tcp", "a b", "c de f"},
		`'' "" x`:                        {"", "", "x"},
		`"a\"b\\c\d"`:                    {`a"b\c\d`},
		`'it'\''s'`:                      {"it's"},
		"get agents # who is there":      {"get", "agents"},
		"probe http://h/#top":            {"probe", "http://h/#top"},
		"wéb ●":                          {"wéb", "●"},
		"--expect-body='a b' --within=5": {"--expect-body=a b", "--within=5"},
	} {
		tokens, err := Split(line)
		if err != nil || !slices.Equal(texts(tokens), want) {
			t.Errorf("Split(%q) = %q, %v, want %q", line, texts(tokens), err, want)
		}
	}
}

func TestSplit_SaysThatAQuoteIsOpen(t *testing.T) {
	for _, line := range []string{`add "tcp a`, `add 'tcp a`, `add tcp\`} {
		tokens, err := Split(line)
		if !errors.Is(err, ErrOpen) || len(tokens) < 2 {
			t.Errorf("Split(%q) = %q, %v", line, texts(tokens), err)
		}
	}
}

func texts(tokens []Token) []string {
	var out []string
	for _, t := range tokens {
		out = append(out, t.Text)
	}
	return out
}

var hard = []string{"", "a", "a b", "it's", `"`, `\`, "#x", "$HOME", "a\tb", "*", "é●", "-1", "&;|<>()`!", `'"\'`, "a\nb", "~", "{a,b}"}

// TestQuote_AsTheShellReadsIt asks a real shell.
func TestQuote_AsTheShellReadsIt(t *testing.T) {
	sh := need.Tool(t, "sh", "dash")
	out, err := exec.Command(sh, "-c", `printf '%s\0' `+Join(hard)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, hard) {
		t.Errorf("the shell reads %q, want %q", got, hard)
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range hard {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		tokens, err := Split(Join([]string{a, b}))
		if err != nil || !slices.Equal(texts(tokens), []string{a, b}) {
			t.Errorf("Split(Join(%q, %q)) = %q, %v", a, b, texts(tokens), err)
		}
		tokens, _ = Split(a) // any text: no panic, and the places are in it
		for _, tok := range tokens {
			if tok.Start < 0 || tok.End > len(a) || tok.Start > tok.End {
				t.Errorf("Split(%q): %+v", a, tok)
			}
		}
	})
}
