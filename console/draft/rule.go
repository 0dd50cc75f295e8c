package draft

import (
	"fmt"
	"strconv"
	"strings"

	"netmon/console/shellwords"
	"netmon/wire"
)

// RuleFlag is a flag that says how a monitor is judged.
type RuleFlag struct {
	Name, Help string
	Default    string
	Words      []string // that stand for a value
	set        func(*wire.Rule, string) error
	text       func(wire.Rule) string // "" where the rule does not say
}

// RuleFlags are the flags for the fields of a monitor's verdict.
func RuleFlags() []RuleFlag {
	return []RuleFlag{
		{"quorum", "down when so many `AGENTS` find it bad: majority, any, all, 2, 60%, or region:2 for 2 values of a label", "majority", []string{"majority", "any", "all"}, setQuorum,
			func(r wire.Rule) string { return r.Quorum.String() }},
		{"down", "bad for an agent after so many bad `RUNS` of its last ones", wire.DefaultDown.String(), nil,
			func(r *wire.Rule, text string) error { return r.Down.UnmarshalText([]byte(text)) }, downText},
		{"up", "good again for an agent after so many good `RUNS` in a row", strconv.Itoa(wire.DefaultUp), nil, setUp, upText},
		{"crosscheck", "how many other `AGENTS` measure at once after a first bad run, or off", strconv.Itoa(wire.DefaultCrosscheck), []string{"off"}, setCrosscheck, crosscheckText},
	}
}

// Text is what the flag gives in a rule, "" where that does not say.
func (f RuleFlag) Text(r *wire.Rule) string {
	if r == nil {
		return ""
	}
	return f.text(*r)
}

func setQuorum(r *wire.Rule, text string) (err error) {
	r.Quorum, err = wire.ParseQuorum(text)
	return err
}

func downText(r wire.Rule) string {
	if r.Down == (wire.Strikes{}) {
		return ""
	}
	return r.Down.String()
}

func setUp(r *wire.Rule, text string) (err error) {
	if r.Up, err = strconv.Atoi(text); err != nil || r.Up < 1 || r.Up > wire.MaxStrikes {
		return fmt.Errorf("want 1 to %d good runs in a row, got %q", wire.MaxStrikes, wire.Clip(text, 60))
	}
	return nil
}

func upText(r wire.Rule) string {
	if r.Up == 0 {
		return ""
	}
	return strconv.Itoa(r.Up)
}

func setCrosscheck(r *wire.Rule, text string) error {
	r.Crosscheck = new(wire.Crosscheck)
	if text == "off" {
		return nil
	}
	if r.Crosscheck.UnmarshalJSON([]byte(text)) != nil {
		return fmt.Errorf("want off or 1 to %d agents, got %q", wire.MaxCrosscheck, wire.Clip(text, 60))
	}
	return nil
}

func crosscheckText(r wire.Rule) string {
	if r.Crosscheck == nil {
		return ""
	}
	if *r.Crosscheck == 0 {
		return "off"
	}
	return strconv.Itoa(int(*r.Crosscheck))
}

// Rule makes a rule from the texts of flags; it is nil where none was given.
func Rule(given func(flag string) (text string, ok bool)) (*wire.Rule, error) {
	var r wire.Rule
	var p wire.Problems
	some := false
	for _, f := range RuleFlags() {
		if text, ok := given(f.Name); ok {
			some = true
			p.Add("--"+f.Name, f.set(&r, text))
		}
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if !some {
		return nil, nil
	}
	return &r, nil
}

// ruleFlags are the flags for how a monitor is judged.
func ruleFlags(m wire.Saved) (args []string) {
	for _, f := range RuleFlags() {
		if text := f.Text(m.Verdict); text != "" {
			args = append(args, "--"+f.Name, shellwords.Quote(text))
		}
	}
	if m.SLO != nil {
		args = append(args, "--slo", shellwords.Quote(m.SLO.String()))
	}
	if len(m.DependsOn) > 0 {
		args = append(args, "--depends-on", strings.Join(m.DependsOn, ","))
	}
	return args
}
