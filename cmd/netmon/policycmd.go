package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/agent/policy"
	"netmon/agent/policyfile"
	"netmon/console"
	"netmon/console/draft"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

func policyCommand() *cli.Command {
	return &cli.Command{
		Name:      "policy",
		ArgsUsage: cmdline.Text,
		Usage:     "check this host's agent policy, and ask it about addresses and programs",
		UsageText: "netmon policy [--policy FILE] [ADDRESS[:PORT]|PROGRAM...]",
		Description: "Reads the file that `netmon agent` would read, tells every mistake in it, and says\nof each address whether probes may go there, and secrets with them; without a port\nit is asked about icmp. Of a program, by its path, it says whether monitors of kind exec may\nrun it. The exit code is 1 when one may not.\n\n" +
			"   netmon policy --policy policy.yaml 10.0.0.1:22 169.254.169.254:80\n" +
			"   netmon policy --policy policy.yaml /usr/lib/nagios/plugins/check_disk",
		Flags: []cli.Flag{policyFlag()},
		Action: func(c *cli.Context) error {
			p, file, err := policyfile.Find(c.String("policy"), kinds.All())
			if err != nil {
				return err
			}
			if file == "" {
				file = "no policy file, so the default applies"
			}
			fmt.Fprintf(c.App.Writer, "%s: %s\n", file, console.PolicyText(p.Summary()))
			return askPolicy(c.App.Writer, p, c.Args().Slice())
		},
	}
}

func askPolicy(w io.Writer, p *policy.Policy, addresses []string) error {
	denied := 0
	for _, text := range addresses {
		if path.IsAbs(text) {
			if _, err := p.Program(probes.Program{Path: text}); err != nil {
				denied++
				fmt.Fprintf(w, "%s: no: %v\n", text, err)
				continue
			}
			if _, err := os.Stat(text); err != nil {
				fmt.Fprintf(w, "%s: yes, but it is not there\n", text)
				continue
			}
			fmt.Fprintf(w, "%s: yes, with any arguments\n", text)
			continue
		}
		to, err := netip.ParseAddrPort(text)
		if addr, aerr := netip.ParseAddr(text); aerr == nil {
			to, err = netip.AddrPortFrom(addr, 0), nil
		}
		if err != nil {
			return usage("want ADDRESS, ADDRESS:PORT or the path of a program, got %q: what a name resolves to is asked when it is measured", text)
		}
		if err := p.Allow("", to); err != nil {
			denied++
			fmt.Fprintf(w, "%s: no: %v\n", text, err)
			continue
		}
		if p.AllowSecrets(to) == nil {
			fmt.Fprintf(w, "%s: yes, also with secrets\n", text)
			continue
		}
		fmt.Fprintf(w, "%s: yes\n", text)
	}
	if denied > 0 {
		return exit.With(exitNo, nil)
	}
	return nil
}

// warnPlain warns of secrets that stand in monitors, where everybody who reads
// them sees them.
func warnPlain(w io.Writer, monitors ...wire.Saved) {
	for _, text := range plainSecrets(monitors...) {
		fmt.Fprintln(w, "netmon: WARNING:", text)
	}
}

func plainSecrets(monitors ...wire.Saved) []string {
	return draft.PlainSecrets(kinds.All(), monitors...)
}

// newPlainSecrets names those of a monitor that was changed, where that may be news.
func newPlainSecrets(was, is wire.Saved) []string {
	if was.Kind == is.Kind && string(was.Options) == string(is.Options) {
		return nil
	}
	return plainSecrets(is)
}

func policyFlag() cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "policy", EnvVars: []string{"NETMON_POLICY"},
		Usage: "`FILE` that says what commands may have measured here (default: the first there is of " + strings.Join(policyfile.Paths(), ", ") + "; else a policy that denies cloud metadata and link-local addresses)"})
}
