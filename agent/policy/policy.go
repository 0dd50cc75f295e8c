// Package policy is what the owner of an agent allows: what commands may have
// measured, whoever sends them. A Policy is made once, from a [File], and does not
// change. It is checked when a command arrives, and again, with the address that a
// name resolved to, before anything is sent.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"netmon/internal/reach"
	"netmon/probes"
	"netmon/wire"
)

// File is a policy as people write it.
type File struct {
	Targets       Targets       `json:"targets,omitzero"`
	Kinds         []string      `json:"kinds,omitempty" help:"the kinds that may run; default: all"`
	MinEvery      wire.Duration `json:"min_every,omitempty" help:"the least interval of a monitor; default: 10ms, the least there is"`
	MaxMonitors   int           `json:"max_monitors,omitempty" help:"most monitors that run at once; default: no bound"`
	MaxRate       float64       `json:"max_rate,omitempty" help:"most probes per second of the whole agent; default: no bound"`
	MaxTargetRate float64       `json:"max_target_rate,omitempty" help:"most probes per second to one host, as monitors name it; default: no bound"`
	Secrets       Secrets       `json:"secrets,omitzero"`
	Exec          Exec          `json:"exec,omitzero"`
}

// Targets say where packets may go. What is denied is denied, allowed or not.
type Targets struct {
	Allow  []string `json:"allow,omitempty" help:"the only networks and ports that may be reached; default: all"`
	Deny   []string `json:"deny,omitempty" help:"networks and ports that may not, beside metadata, link-local and nat64-local, which never may"`
	Reopen []string `json:"reopen,omitempty" help:"parts of these three that may be reached after all, such as 169.254.169.123 ports 123"`
}

// Secrets say which references of monitors are read.
type Secrets struct {
	Env   []string `json:"env" help:"names of environment variables, * stands for any part; default: NETMON_SECRET_*"`
	Files []string `json:"files" help:"folders whose files may be read, as absolute paths; default: /etc/netmon/secrets"`
	// Targets keeps who may send commands from having secrets sent to themselves:
	// a monitor that names one runs only where its owner says that it may go.
	Targets []string `json:"targets,omitempty" help:"the only networks and ports that a monitor with secrets may reach; default: none, so that no monitor with secrets runs"`
}

// Default is what an agent without a policy file uses.
func Default() File {
	return File{Secrets: Secrets{Env: []string{"NETMON_SECRET_*"}, Files: []string{"/etc/netmon/secrets"}}}
}

// Policy is a File, ready to be asked, from several goroutines.
type Policy struct {
	file      File
	summary   wire.Policy
	targets   reach.Targets
	secretsTo reach.Rules
	demand    *demand
	at        string // where people find the file, see At
}

// New reads the rules for an agent that measures these kinds. source says in heartbeats where the policy is from. The
// error holds every mistake.
func New(f File, kinds probes.List, source string) (*Policy, error) {
	p := &Policy{file: f, summary: summary(f, source), demand: newDemand(f), at: "the agent's policy file"}
	var problems wire.Problems
	p.targets = reach.ParseTargets(&problems, f.Targets.Allow, f.Targets.Deny, f.Targets.Reopen, reach.Never)
	p.secretsTo = reach.ParseRules(&problems, "secrets.targets", f.Secrets.Targets)
	if f.Targets.Allow != nil && len(f.Targets.Allow) == 0 {
		problems.Addf("targets.allow", "is empty: nothing could be measured; leave it out to allow all")
	}
	if f.Kinds != nil && len(f.Kinds) == 0 {
		problems.Addf("kinds", "is empty: nothing could be measured; leave it out to allow all")
	}
	for i, k := range f.Kinds {
		if _, ok := kinds.Find(k); !ok {
			problems.Add(fmt.Sprintf("kinds[%d]", i), wire.Unknown("kind", k, strings.Split(kinds.Names(), ", ")))
		}
	}
	if f.MinEvery < 0 || f.MinEvery > wire.Duration(wire.MaxEvery) {
		problems.Addf("min_every", "want up to %v, got %q", wire.Duration(wire.MaxEvery), f.MinEvery)
	}
	if f.MaxMonitors < 0 {
		problems.Addf("max_monitors", "want 1 or more, got %d", f.MaxMonitors)
	}
	for field, rate := range map[string]float64{"max_rate": f.MaxRate, "max_target_rate": f.MaxTargetRate} {
		if rate < 0 {
			problems.Addf(field, "want a number of probes per second, got %v", rate)
		}
	}
	(&reach.Secrets{Env: f.Secrets.Env, Files: f.Secrets.Files}).Check(&problems)
	f.Exec.check(&problems)
	return p, problems.Err()
}

// Refusal is what the policy does not allow. It names the rule by its place in
// the file and not by what is there: whoever sends commands learns nothing of
// the network from it.
type Refusal struct{ why string }

func (r *Refusal) Error() string { return "the agent's policy does not allow it: " + r.why }

// Code implements [wire.Coder].
func (r *Refusal) Code() wire.Code { return wire.CodePolicy }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Allow says whether anything may be sent to an address. It is a [probes.Env]'s Allow.
func (p *Policy) Allow(network string, to netip.AddrPort) error {
	if why := p.targets.Refused(network, to); why != "" {
		return refuse("%s", why)
	}
	return nil
}

// Check checks a monitor against all that can be known before it runs, and
// reports every refusal. What depends on other monitors is [Tally]'s to say.
func (p *Policy) Check(m wire.Monitor, f probes.Footprint) error {
	var problems wire.Problems
	if p.file.Kinds != nil && !slices.Contains(p.file.Kinds, m.Kind) {
		problems.Add("kind", refuse("kinds does not have %q", m.Kind))
	}
	if m.Every < p.file.MinEvery {
		problems.Add("every", refuse("min_every is %v, got %q", p.file.MinEvery, m.Every))
	}
	if most := p.file.MaxTargetRate; most > 0 && f.Probes > 1 && f.Gap > 0 && perSecond(1, f.Gap) > most {
		problems.Add("options.interval", refuse("max_target_rate is %v a second, and this run sends %v", most, perSecond(1, f.Gap)))
	}
	for _, place := range f.Places {
		problems.Add(place.Option, p.checkSecretTarget(place))
	}
	if f.Program.Path != "" {
		problems.Add("", p.checkProgram(f.Program))
	}
	if f.Program.Path == "" || len(f.Places) > 0 {
		problems.Add("", p.checkSecrets(f))
	}
	return problems.Err()
}

func (p *Policy) checkSecretTarget(place probes.Place) error {
	if a, err := netip.ParseAddr(place.Host); err == nil {
		return p.Allow(place.Network, netip.AddrPortFrom(a, place.Port))
	}
	if why := p.targets.RefusedPort(place.Port); why != "" { // whatever the name's address will be
		return refuse("%s", why)
	}
	return nil
}

func perSecond(n int, every time.Duration) float64 { return float64(n) / every.Seconds() }

// Summary is what heartbeats report: no addresses, and a digest by which two
// agents can be seen to have the same policy.
func (p *Policy) Summary() *wire.Policy { return &p.summary }

func summary(f File, source string) wire.Policy {
	data, _ := json.Marshal(f) // plain values
	sum := sha256.Sum256(data)
	return wire.Policy{Source: source, Digest: hex.EncodeToString(sum[:4]), Allow: len(f.Targets.Allow), Deny: len(f.Targets.Deny), Kinds: f.Kinds,
		MinEvery: f.MinEvery, MaxMonitors: f.MaxMonitors, MaxRate: f.MaxRate, MaxTargetRate: f.MaxTargetRate, Exec: len(f.Exec.Folders)}
}
