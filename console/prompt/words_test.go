package prompt

import (
	"slices"
	"strings"
	"testing"

	"netmon/console/shellwords"
)

// tree is a small program: the forms that the real one has.
func tree() []Command {
	on := Flag{Names: []string{"on"}, Value: true, Agents: true}
	broker := Flag{Names: []string{"broker"}, Value: true}
	output := Flag{Names: []string{"output", "o"}, Value: true, Values: []string{"table", "json", "yaml"}}
	return []Command{
		{Names: []string{"add"}, Usage: "save a monitor", Sub: []Command{
			{Names: []string{"tcp"}, Takes: Target, Flags: []Flag{on, {Names: []string{"every"}, Value: true}, {Names: []string{"except"}, Value: true, Agents: true}}},
			{Names: []string{"https"}, Takes: Target}}},
		{Names: []string{"probe"}, Sub: []Command{{Names: []string{"https"}, Takes: Target, Flags: []Flag{{Names: []string{"from"}, Value: true, Agents: true}}}}},
		{Names: []string{"start"}, Takes: Monitors, Flags: []Flag{broker, on}},
		{Names: []string{"stop"}, Takes: Monitors, Flags: []Flag{broker, on}},
		{Names: []string{"watch"}, Takes: Monitors, Flags: []Flag{{Names: []string{"agent"}, Value: true, Agents: true}, {Names: []string{"last"}}}},
		{Names: []string{"get"}, Sub: []Command{{Names: []string{"monitor"}, Takes: Monitors, Flags: []Flag{output}}, {Names: []string{"monitors"}, Flags: []Flag{output}}, {Names: []string{"broker"}}}},
		{Names: []string{"broker"}}, {Names: []string{"up"}},
		{Names: []string{"silence"}, Takes: Monitors, Flags: []Flag{{Names: []string{"for"}, Value: true}, {Names: []string{"tag"}, Value: true, Takes: Tags}, {Names: []string{"group"}, Value: true, Takes: Settings, Sort: "group"}},
			Sub: []Command{{Names: []string{"end"}, Takes: Settings, Sort: "silence"}}},
	}
}

func TestExpand(t *testing.T) {
	for line, want := range map[string]string{
		"start web on paris":                      "start web --on paris",
		"start web db on paris, tokyo":            "start web db --on paris,tokyo",
		"start web on paris , tokyo":              "start web --on paris,tokyo",
		"stop web from paris":                     "stop web --on paris",
		"stop web on all":                         "stop web --on all",
		"start web --on paris":                    "start web --on paris",
		"start on on paris":                       "start on --on paris",
		"start web on":                            "start web on",
		"start web 'on' paris":                    "start web on paris",
		"start --on paris web":                    "start --on paris web",
		"probe https h from region=eu":            "probe https h --from region=eu",
		"watch web from paris,tokyo":              "watch web --agent paris --agent tokyo",
		"watch web on all --last":                 "watch web --last",
		"get monitor on":                          "get monitor on",
		"get monitor web on paris":                "get monitor web on paris",
		"add tcp db:1 every 5s on all except eu1": "add tcp db:1 --every 5s --on all --except eu1",
		"add tcp tcp":                             "add tcp tcp",
		"silence web for 2h":                      "silence web --for 2h",
		"silence end for":                         "silence end for",
	} {
		tokens, err := shellwords.Split(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(Expand(tokens, tree()), " "); got != want {
			t.Errorf("Expand(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestComplete(t *testing.T) {
	names := Names{Monitors: []string{"web", "web2", "db"}, Agents: []string{"paris", "tokyo"}, Labels: []string{"region=eu"}, Targets: map[string][]string{"https": {"https://h/"}},
		Tags: []string{"team=shop"}, Settings: map[string][]string{"silence": {"k3v7"}, "group": {"store"}}}
	for line, want := range map[string]string{
		"":                        "add broker exit get help probe quit results silence start stop up watch",
		"st":                      "start stop",
		"start ":                  "db web web2",
		"silence ":                "db end web web2",
		"silence web ":            "db for web2",
		"silence end ":            "k3v7",
		"silence --tag ":          "team=shop",
		"silence --group s":       "store",
		"start w":                 "web web2",
		"start web ":              "db from on web2",
		"start web on ":           "all paris region=eu tokyo",
		"start web on paris,":     "paris,all paris,paris paris,region=eu paris,tokyo",
		"start web --on p":        "paris",
		"start web --on=r":        "--on=region=eu",
		"start -":                 "--broker --on",
		"get ":                    "broker monitor monitors",
		"get monitors -o ":        "json table yaml",
		"get monitor web -o y":    "yaml",
		"add ":                    "https tcp",
		"probe https ":            "https://h/",
		"probe https h from reg":  "region=eu",
		"results f":               "failures",
		"help g":                  "get",
		"nonsense ":               "",
		"start 'we":               "web web2",
		"start web on paris, tok": "",
	} {
		start, got := Complete(line, tree(), names)
		if strings.Join(got, " ") != want {
			t.Errorf("Complete(%q) = %q, want %q", line, got, want)
		}
		if start < 0 || start > len(line) {
			t.Errorf("Complete(%q) begins at %d", line, start)
		}
	}
}

func TestParse(t *testing.T) {
	for line, want := range map[string]action{
		"":                       {},
		"# a comment":            {},
		"quit":                   {do: doQuit},
		"exit":                   {do: doQuit},
		"?":                      {do: doHelp},
		"help start":             {do: doHelp, args: []string{"start"}},
		"add":                    {do: doFlow},
		"add https":              {do: doFlow, args: []string{"https"}},
		"add https h":            {do: doExecute, args: []string{"add", "https", "h"}},
		"broker":                 {do: doExecute, args: []string{"get", "broker"}},
		"netmon get monitors":    {do: doExecute, args: []string{"get", "monitors"}},
		"results off":            {do: doResults, mode: Off},
		"up --help":              {do: doExecute, args: []string{"up", "--help"}},
		"start 'my web' on rome": {do: doExecute, args: []string{"start", "my web", "--on", "rome"}},
	} {
		got, err := parse(line, tree())
		if err != nil || got.do != want.do || !slices.Equal(got.args, want.args) || got.mode != want.mode {
			t.Errorf("parse(%q) = %+v, %v, want %+v", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		"strat web":     `unknown command "strat": did you mean start?`,
		"gte monitors":  "did you mean get?",
		"dance":         `unknown command "dance": ? lists them`,
		"up":            "start it in another shell",
		"broker --x":    "start it in another shell",
		"results maybe": `want one of on, failures, changes, off, got "maybe"`,
		"add 'tcp":      "a quote is not closed",
	} {
		if _, err := parse(line, tree()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse(%q): %v, want %s", line, err, want)
		}
	}
}
