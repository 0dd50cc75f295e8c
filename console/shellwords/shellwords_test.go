package shellwords

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

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
	for line, want := range map[string]error{`add "tcp a`: ErrOpen, `add 'tcp a`: ErrOpen, `add tcp\`: ErrContinues, `add 'tcp\`: ErrOpen, `add tcp\\`: nil} {
		tokens, err := Split(line)
		if err != want || len(tokens) < 2 {
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

// TestFold_IsOneCommand gives the lines to a shell, and reads them as the prompt does.
func TestFold_IsOneCommand(t *testing.T) {
	sh := need.Tool(t, "sh", "dash")
	args := append([]string{"--name", "shop", "--header", "X-A=it's here", strings.Repeat("https://shop.example.com/", 9), "--body", strings.Repeat(`a 'b' "c" \ `, 20), "é●", "--invert", "--within=1s"}, hard...)
	for _, width := range []int{20, 21, 40, 60, 80, 200} {
		lines := Fold(args, width, utf8.RuneCountInString)
		for _, l := range lines {
			if utf8.RuneCountInString(l) > width {
				t.Errorf("%d columns: %s", width, l)
			}
		}
		out, err := exec.Command(sh, "-c", `printf '%s\0' `+strings.Join(lines, "\n")).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, args) {
			t.Errorf("in %d columns the shell reads %q, want %q", width, got, args)
		}
		whole, on := "", false
		for _, l := range lines {
			whole, on = Continued(Continue(whole, l))
		}
		if tokens, err := Split(whole); on || err != nil || !slices.Equal(texts(tokens), args) {
			t.Errorf("in %d columns the prompt reads %q, %v, want %q", width, texts(tokens), err, args)
		}
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
