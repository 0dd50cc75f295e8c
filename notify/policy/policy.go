// Package policy is what the owner of a notifier allows: what channels may reach,
// whoever saved them, and where the host's secrets may go. A Policy is made once, from
// a [File], and does not change.
package policy

import (
	"fmt"
	"net/netip"
	"path/filepath"

	"netmon/internal/reach"
	"netmon/internal/safeyaml"
	"netmon/wire"
)

// File is a policy as people write it.
type File struct {
	Targets Targets `json:"targets,omitzero"`
	Secrets Secrets `json:"secrets,omitzero"`
	Exec    string  `json:"exec,omitempty" help:"the folder whose programs channels of the kind exec may run, as an absolute path; default: none"`
}

// Targets say where channels may send to. What is denied is denied, allowed or not.
type Targets struct {
	Allow  []string `json:"allow,omitempty" help:"the only networks and ports that channels may reach; default: all"`
	Deny   []string `json:"deny,omitempty" help:"networks and ports that they may not, beside metadata, link-local, nat64-local and loopback, which they never may"`
	Reopen []string `json:"reopen,omitempty" help:"parts of these four that may be reached after all, such as loopback ports 25; netmon up lets all of loopback in"`
}

// Secrets say which references of channels are read, and where they may go.
type Secrets struct {
	Env     []string `json:"env" help:"names of environment variables, * stands for any part; default: NETMON_SECRET_*"`
	Files   []string `json:"files" help:"folders whose files may be read, as absolute paths; default: /etc/netmon/secrets"`
	Targets []string `json:"targets,omitempty" help:"the only networks, or names of hosts, and ports that secrets may be sent to, such as hooks.slack.com ports 443, *.example.org ports 443 or 192.0.2.0/24 ports 587; each is for all secrets; default: none, so that no channel with secrets is sent"`
}

// Default is what a notifier without a policy file uses.
func Default() File {
	return File{Secrets: Secrets{Env: []string{"NETMON_SECRET_*"}, Files: []string{"/etc/netmon/secrets"}}}
}

// Never are the networks that are denied unless a policy reopens a part of them.
func Never() []string { return append([]string{"loopback"}, reach.Never...) }

// Grant is the word of the host's owner, beside the policy file, that a reference may be
// read and sent to a place: it is in a file that they started netmon with.
type Grant struct {
	Reference string      // ${env:NAME} or ${file:PATH}
	To        Destination // the zero Destination: what the reference stands for is a URL, and goes to where that leads
}

// Policy is a File, ready to be asked, from several goroutines.
type Policy struct {
	file      File
	targets   reach.Targets
	secretsTo reach.Rules
	hosts     []hostRule
	grants    map[Grant]bool
	at        string // where people find the file
}

// New reads the rules. The error holds every mistake.
func New(f File) (*Policy, error) {
	p := &Policy{file: f, at: "the notifier's policy file", grants: map[Grant]bool{}}
	var problems wire.Problems
	p.targets = reach.ParseTargets(&problems, f.Targets.Allow, f.Targets.Deny, f.Targets.Reopen, Never())
	if f.Targets.Allow != nil && len(f.Targets.Allow) == 0 {
		problems.Addf("targets.allow", "is empty: nothing could be sent; leave it out to allow all")
	}
	(&reach.Secrets{Env: f.Secrets.Env, Files: f.Secrets.Files}).Check(&problems)
	for i, text := range f.Secrets.Targets {
		at := fmt.Sprintf("secrets.targets[%d]", i)
		if h, ok, err := parseHost(text); ok {
			problems.Add(at, err)
			p.hosts = append(p.hosts, h)
			continue
		}
		r, err := reach.ParseRule(text)
		problems.Add(at, err)
		p.secretsTo = append(p.secretsTo, r)
	}
	if f.Exec != "" && (!filepath.IsAbs(f.Exec) || filepath.Clean(f.Exec) != f.Exec) {
		problems.Addf("exec", "want a folder as an absolute path, got %q", f.Exec)
	}
	return p, problems.Err()
}

// Parse reads a policy. The error holds every mistake with its line. An empty file is
// the default policy. Where loopback says so, all of that is reopened.
func Parse(path string, data []byte, loopback bool) (p *Policy, err error) {
	file := Default()
	err = safeyaml.DecodeStrict(path, data, &file, func() (err error) {
		if loopback {
			file.Targets.Reopen = append(file.Targets.Reopen, "loopback")
		}
		p, err = New(file)
		return err
	})
	return p, err
}

// At says where people find the file, so that errors can say where to write. It is
// called before the policy is asked for the first time.
func (p *Policy) At(path string) { p.at = path }

// Grant adds to what the file allows. It is called before the policy is asked for the
// first time.
func (p *Policy) Grant(list ...Grant) {
	for _, g := range list {
		p.grants[g] = true
	}
}

// Exec is the folder whose programs may be run, "" for none.
func (p *Policy) Exec() string { return p.file.Exec }

// Refusal is what the policy does not allow. It names the rule by its place in the file
// and not by what is there: whoever saves channels learns nothing about the network from it.
type Refusal struct{ why string }

func (r *Refusal) Error() string { return "the notifier's policy does not allow it: " + r.why }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Allow says whether anything may be sent to an address.
func (p *Policy) Allow(to netip.AddrPort) error {
	if why := p.targets.Refused("tcp", to); why != "" {
		return refuse("%s", why)
	}
	return nil
}

// AllowDestination says what can be said before a name is looked up.
func (p *Policy) AllowDestination(to Destination) error {
	if a, err := netip.ParseAddr(to.Host); err == nil {
		return p.Allow(netip.AddrPortFrom(a, to.Port))
	}
	if why := p.targets.RefusedPort(to.Port); why != "" {
		return refuse("%s", why)
	}
	return nil
}
