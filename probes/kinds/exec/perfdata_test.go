package exec

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParsePerfdata(t *testing.T) {
	for _, c := range []struct {
		text, want string
		skipped    int
	}{
		{"time=0.012s;1;2;0;10", `time 0.012 s "1" "2" 0 10 seconds 0.012`, 0},
		{"rta=2.5ms;100;500;0 pl=0%;20;60;0;100", "rta 2.5 ms \"100\" \"500\" 0 - seconds 0.0025\npl 0 % \"20\" \"60\" 0 100 percent 0", 0},
		{"'/var lib'=12GiB 'it''s'=1 'a=b'=2", "/var lib 12 GiB \"\" \"\" - - bytes 1.2884901888e+10\nit's 1  \"\" \"\" - - number 1\na=b 2  \"\" \"\" - - number 2", 0},
		{"a=U;1;2;0;9", `a -  "" "" 0 9  -`, 0},
		{"in=123c out=-4.5e3c", "in 123 c \"\" \"\" - - counter 123\nout -4500 c \"\" \"\" - - counter -4500", 0},
		{"x=1;@10:20;~:5;;", `x 1  "@10:20" "~:5" - - number 1`, 0},
		{"x=1;nonsense;2", `x 1  "" "2" - - number 1`, 0},
		{"x=1,5s", `x 1.5 s "" "" - - seconds 1.5`, 0},
		{"x=1;;;;;", `x 1  "" "" - - number 1`, 0},
		{"=1 x= y=abc 'open=1", "", 4},
		{"garbage a=1 more", `a 1  "" "" - - number 1`, 2},
		{"x=1e400 y=NaN z=Inf w=0x10", "", 4},
		{"x=1;1;1;1;1;1", "", 1},
		{"", "", 0},
	} {
		values, skipped := parsePerfdata(c.text)
		var got []string
		for _, v := range values {
			got = append(got, fmt.Sprintf("%s %s %s %q %q %s %s %s %s", v.Label, num(v.Value), v.Unit, v.Warn, v.Crit, num(v.Min), num(v.Max), v.Quantity, num(v.Base)))
		}
		if text := strings.Join(got, "\n"); text != c.want || skipped != c.skipped {
			t.Errorf("%q:\n%s (%d skipped), want\n%s (%d)", c.text, text, skipped, c.want, c.skipped)
		}
	}
	if values, skipped := parsePerfdata(strings.Repeat("a=1 ", maxPerfdata+7)); len(values) != maxPerfdata || skipped != 7 {
		t.Errorf("%d values, %d skipped", len(values), skipped)
	}
}

func num(n *float64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func TestParseRange(t *testing.T) {
	inf := math.Inf(1)
	for text, want := range map[string]span{
		"10": {0, 10, false}, "10:": {10, inf, false}, "~:10": {-inf, 10, false}, "10:20": {10, 20, false}, "@10:20": {10, 20, true}, ":5": {0, 5, false}, "-5:-1": {-5, -1, false},
	} {
		if got, err := parseRange(text); err != nil || got != want {
			t.Errorf("%q = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "@", "x", "20:10", "1:2:3", "~", "10:x", "5:~", "-5"} {
		if _, err := parseRange(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	r, _ := parseRange("@10:20")
	if !r.holds(9) || r.holds(10) || r.holds(20) || !r.holds(21) {
		t.Error("@10:20 does not want what is outside")
	}
}

func TestSplit(t *testing.T) {
	m, text, perf := split("DISK OK - free | /=1MB\n/ 3326 MB\n/home 5 MB | /boot=68MB\n/home=69MB\n")
	if m != "DISK OK - free" || text != "/ 3326 MB\n/home 5 MB" || strings.Join(strings.Fields(perf), " ") != "/=1MB /boot=68MB /home=69MB" {
		t.Errorf("%q %q %q", m, text, perf)
	}
}

// FuzzOutput: no output of a program ends the agent, nor gives details that are too long,
// are no JSON, or hold what a terminal acts upon.
func FuzzOutput(f *testing.F) {
	f.Add("DISK OK - free | /=1MB;2;3;4;5\nmore | 'x y'=2%\n'it''s'=3c")
	f.Add("\x1b[31mred\x1b[0m\x1b]0;t\x07 | a=1e309 =; '=")
	f.Add("|||\n|\n'''''='''=1")
	f.Fuzz(func(t *testing.T, output string) {
		message, text, perfdata := split(clean(output, true))
		values, _ := parsePerfdata(perfdata)
		d := Details{Message: clip(message, maxMessage), Text: clip(text, maxText), Perfdata: values}
		data, err := json.Marshal(d)
		if err != nil || len(values) > maxPerfdata || len(d.Message) > maxMessage || len(d.Text) > maxText {
			t.Fatalf("%v, %d values, %d and %d bytes", err, len(values), len(d.Message), len(d.Text))
		}
		if !utf8.Valid(data) || strings.ContainsFunc(d.Message, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Fatalf("%q", d.Message)
		}
		for _, v := range values {
			if v.Label == "" || len(v.Label) > maxLabel || len(v.Unit) > maxUnit || v.Base != nil && (math.IsInf(*v.Base, 0) || math.IsNaN(*v.Base)) {
				t.Fatalf("%+v", v)
			}
		}
		d.Report(new(strings.Builder))
	})
}

// FuzzRange: a range that is taken has its beginning before its end.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"10", "@1:2", "~:5", "1e9:", ":::", "@~:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := parseRange(text); err == nil && !(r.low <= r.high) {
			t.Fatalf("%q = %v", text, r)
		}
	})
}
