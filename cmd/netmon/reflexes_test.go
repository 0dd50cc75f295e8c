package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// TestReflexes is what people type who know other tools, or who misspell, and what they
// get: the exit code and the beginning of the first line, of standard output where there is
// one, else of standard error.
func TestReflexes(t *testing.T) {
	meshToComplete(t)
	for _, c := range []struct {
		line  string
		code  int
		first string
	}{
		// Help, wherever it is asked for.
		{"", 0, "netmon 0.1.0: watch network services"},
		{"help", 0, "netmon 0.1.0: watch network services"},
		{"--help", 0, "netmon 0.1.0: watch network services"},
		{"-h", 0, "netmon 0.1.0: watch network services"},
		{"help get", 0, "netmon get: show what is saved"},
		{"help get monitors", 0, "netmon get monitors: all saved monitors"},
		{"help get monitor web", 0, "netmon get monitor: some saved monitors"},
		{"help ls", 0, "netmon get monitors: all saved monitors"},
		{"help ping", 0, "netmon probe icmp: "},
		{"help rm", 0, "netmon delete: delete saved monitors"},
		{"help strat", 2, `netmon: unknown command "strat": did you mean start?`},
		{"help get monitros", 2, `netmon: netmon get has no command "monitros": did you mean monitors?`},
		{"start --help", 0, "netmon start: run saved monitors"},
		{"start web -h", 0, "netmon start: run saved monitors"},
		{"probe https example.com --help", 0, "netmon probe https: "},
		{"--version", 0, "netmon version 0.1.0"},
		{"version", 0, "netmon 0.1.0"},

		// Words of docker, kubectl, systemctl and a shell.
		{"ls", 0, "NAME "},
		{"ps", 0, "NAME "},
		{"list", 0, "NAME "},
		{"status", 0, "NAME "},
		{"ls -o name", 0, "gateway"},
		{"ls agents", 0, "AGENT "},
		{"ls channels", 0, "NAME "},
		{"ls webshop", 0, "NAME "},
		{"status webshop", 0, "webshop  tcp h:1"},
		{"describe webshop", 0, "webshop  tcp h:1"},
		{"inspect webshop -o json", 0, "{"},
		{"show webshop -o yaml", 0, "apiVersion: netmon/v1"},
		{"show webshop -o name", 2, `netmon: --output: want text, json or yaml, got "name"`},
		{"ping 127.0.0.1 --timeout", 2, ""},
		{"ping", 2, "netmon: want one target, got none"},
		{"logs webshop", 2, "netmon: logs is no command of netmon: netmon watch NAME follows results"},
		{"restart webshop", 2, "netmon: restart is no command of netmon: netmon stop NAME, then netmon start NAME"},
		{"pause webshop", 2, "netmon: pause is no command of netmon: netmon stop NAME"},
		{"login", 2, "netmon: login is no command of netmon: netmon context add"},
		{"whoami", 2, "netmon: whoami is no command of netmon: netmon context ls"},
		{"export office", 2, "netmon: export takes no arguments, got \"office\": netmon config export NAME writes a configuration, --listen HOST:PORT says where to serve"},
		{"undo", 2, "netmon: undo is no command of netmon: netmon history NAME"},
		{"alerts", 2, "netmon: alerts is no command of netmon: netmon get incidents"},
		{"nodes", 2, "netmon: nodes is no command of netmon: netmon get agents"},
		{"monitors", 2, "netmon: monitors is no command of netmon: netmon get monitors"},
		{"groups", 2, "netmon: groups is no command of netmon: netmon get groups"},
		{"serve", 2, "netmon: serve is no command of netmon: netmon up"},
		{"traceroute example.com", 2, "netmon: traceroute is no command of netmon"},

		// Flags before the word.
		{"--broker nats://127.0.0.1:1 ls", 3, "netmon: nats://127.0.0.1:1, by --broker: broker unreachable: "},
		{"--broker=nats://127.0.0.1:1 ps", 3, "netmon: nats://127.0.0.1:1, by --broker: broker unreachable: "},
		{"-o name ls", 0, "gateway"},
		{"-o name status webshop", 2, `netmon: --output: want text, json or yaml, got "name"`},
		{"-o name ls agents", 0, "paris"},
		{"--broker nats://127.0.0.1:1 check webshop", 3, "UNKNOWN"},
		{"--broker nats://127.0.0.1:1 help ls", 0, "netmon get monitors: all saved monitors"},

		// Misspelt words.
		{"strat webshop", 2, `netmon: unknown command "strat": did you mean start?`},
		{"stpo webshop", 2, `netmon: unknown command "stpo": did you mean stop?`},
		{"prob tcp h:1", 2, `netmon: unknown command "prob": did you mean probe?`},
		{"wathc", 2, `netmon: unknown command "wathc": did you mean watch?`},
		{"hisotry webshop", 2, `netmon: unknown command "hisotry": did you mean history?`},
		{"delte webshop", 2, `netmon: unknown command "delte": did you mean delete?`},
		{"dance", 2, `netmon: unknown command "dance": netmon --help lists all commands`},
		{"get monitros", 2, "netmon: get what? "},
		{"get agent", 2, "netmon: get what? "},
		{"add tcp h:1 --every 25h", 2, `netmon: every: want 10ms to 1d, got "25h"`},
		{"add http h --within=-90m", 2, `netmon: options.within: want a positive duration, got "-90m"`},
		{"set webshop every=1500m", 2, `netmon: every: want 10ms to 1d, got "1500m"`},
		{"silence webshop --for 9000h", 2, `netmon: --for: want 1s to 366d, got "9000h"`},
		{"token new console --name ann --role viewer --expires 800h", 2, `netmon: --expires: want 1s to 30d, got "800h"`},
		{"probe tcp h:1 -c 2 --every 0m", 2, `netmon: --every: want more than 0, got "0m"`},
		{"get", 2, "netmon: get what? want monitors"},
		{"probe https://example.com", 2, "netmon: kind: is missing before the target: netmon probe https https://example.com"},
		{"probe htp example.com", 2, `netmon: kind: unknown kind "htp": did you mean http?`},
		{"add tpc h:1", 2, `netmon: kind: unknown kind "tpc": did you mean tcp?`},
		{"acces ls", 2, `netmon: unknown command "acces": did you mean access?`},
		{"token mew agent", 2, "netmon: token what? "},
		{"get monitors --ouput json", 2, "netmon: no such flag: --ouput: did you mean --output?"},
		{"add tcp h:1 --evry 5s", 2, "netmon: no such flag: --evry: did you mean --every?"},
		{"start webshop -o json", 2, "netmon: no such flag: -o: netmon start --help lists the flags"},
		{"start webshop --o json", 2, "netmon: no such flag: --o"},
		{"get monitors -x", 2, "netmon: no such flag: -x: netmon get monitors --help lists the flags"},
		{"watch -n banana", 2, `netmon: -n: "banana": cannot be read as a number`},

		// What is not there.
		{"show webshp", 1, `netmon: no such monitor: "webshp": did you mean webshop?`},
		{"start nosuch", 1, `netmon: no such monitor: "nosuch"`},
		{"stop webshop --on pariss", 2, `netmon: --on: no agent is called "pariss": did you mean paris? known are paris, rome, tokyo; for an agent that is still to join, add --yes`},
		{"stop webshop --on region=us", 2, "netmon: --on: no agent has the label region=us: known are paris"},
		{"history nosuch", 1, `netmon: no such monitor: "nosuch" was never saved, so it has no history`},

		// One field, without an editor.
		{"set webshop", 2, "netmon: set what? want FIELD=VALUE such as every=5s"},
		{"set every=5s", 2, "netmon: want the names of monitors, or --tag"},
		{"set webshop evry=5s", 2, "netmon: evry: there is no such field: did you mean every?"},
		{"set webshop every=soon down=99", 2, "netmon: every: want a number with a unit such as 10s, 200ms or 1d"},
		{"set webshop name=shop", 2, "netmon: name: results go by the name: netmon rename OLD NEW"},
		{"set nosuch every=5s", 1, `netmon: no such monitor: "nosuch"`},
		{"set webshop every=5s --dry-run", 0, "webshop"},
		{"set webshop every=5s tags.team=web", 0, "webshop"},
		{"get monitor webshop", 0, "# webshop: revision 2 by "},
		{"set webshop tags.team- timeout=", 0, "webshop"},
		{"set webshop every=5s", 0, "webshop is unchanged"},
		{"rollback webshop --to 1", 0, "webshop is restored from revision 1: this is revision 4"},
		{"rollback webshop --to 9", 2, `netmon: --to: monitor "webshop" has no revision 9: netmon history webshop lists them`},
		{"history webshop -o name", 0, "4"},

		// Another name.
		{"cp webshop shop2 target=h:2", 0, "shop2 saved"},
		{"copy webshop shop2", 1, `netmon: monitor "shop2" exists already`},
		{"copy webshop", 2, "netmon: want two names, got 1: "},
		{"mv webshop shop", 0, "group store names shop now"},
		{"rename shop2 shop", 1, `netmon: monitor "shop" exists already`},
		{"rename shop2 'a b'", 2, ""},
		{"rm shop2", 0, "shop2 deleted"},
		{"history shop2 -o name", 0, "2"},
		{"rollback shop2 --to 1", 0, "shop2 is restored from revision 1: this is revision 3"},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"netmon"}, strings.Fields(c.line)...)
		code := execute(t.Context(), args, strings.NewReader(""), &out, &errs)
		text := out.String()
		if text == "" {
			text = errs.String()
		}
		first, _, _ := strings.Cut(text, "\n")
		if code != c.code || !strings.HasPrefix(first, c.first) {
			t.Errorf("netmon %s\n got %d %q\nwant %d %q", c.line, code, first, c.code, c.first)
		}
		for line := range strings.Lines(out.String()) {
			if strings.Contains(c.line, "help") && len([]rune(strings.TrimRight(line, "\n"))) > 80 {
				t.Errorf("netmon %s: over 80 columns: %s", c.line, line)
			}
		}
	}
}

func TestToken_NamesOtherAddresses(t *testing.T) {
	want := "192.0.2.1 is one of the addresses of the broker's host. If others do not reach it by that one,\nput another in its place: 10.0.0.1, [2001:db8::1]"
	if got := otherHostsText("tls://192.0.2.1:4222", []string{"10.0.0.1", "2001:db8::1"}); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := otherHostsText("tls://192.0.2.1:4222", nil); got != "" {
		t.Errorf("%q without other addresses", got)
	}
}

// TestWatch_SaysAtOnceThatNothingIsCalledThat, and waits for it all the same.
func TestWatch_SaysAtOnceThatNothingIsCalledThat(t *testing.T) {
	meshToComplete(t)
	ctx, stop := context.WithCancel(t.Context())
	said := ""
	code := execute(ctx, []string{"netmon", "watch", "webshp"}, nil, io.Discard, writerFunc(func(p []byte) (int, error) {
		if said == "" {
			said = string(p)
			stop()
		}
		return len(p), nil
	}))
	if want := "netmon: no monitor is called \"webshp\" yet: did you mean webshop? waiting for its results\n"; said != want || code != exitInterrupted {
		t.Errorf("%d %q, want %q", code, said, want)
	}
}

// TestHelp_Fits80 looks at the help of every command.
func TestHelp_Fits80(t *testing.T) {
	var walk func(path []string)
	seen := 0
	walk = func(path []string) {
		var out bytes.Buffer
		if code := execute(t.Context(), append(path, "--help"), nil, &out, &out); code != 0 {
			t.Errorf("%q: exit %d: %s", path, code, out.String())
		}
		seen++
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimRight(line, "\n"); len([]rune(line)) > 80 && !strings.HasPrefix(line, "   ") {
				t.Errorf("%q: over 80 columns: %s", path, line)
			}
		}
		_, commands, ok := strings.Cut(out.String(), "\nCommands:\n")
		if !ok {
			return
		}
		commands, _, _ = strings.Cut(commands, "\n\n")
		for line := range strings.Lines(commands) {
			if word := strings.Fields(line); strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") && len(word) > 0 {
				walk(append(append([]string(nil), path...), word[0]))
			}
		}
	}
	app := newApp(nil, nil, nil)
	for _, c := range app.Commands {
		walk([]string{"netmon", c.Name})
	}
	if seen < 100 {
		t.Errorf("only %d commands were found", seen)
	}
}
