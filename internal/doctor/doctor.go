// Package doctor checks this host, the broker and the agents behind it, and reports
// for each thing whether it is right, and how to cure it where it is not. It changes
// nothing.
package doctor

import (
	"context"

	"netmon/internal/endpoint"
	"netmon/probes"
)

// Options are what is examined.
type Options struct {
	Version  string            // of this program
	Creds    []string          // files of credentials that were given
	Endpoint endpoint.Endpoint // of the mesh
	Kinds    probes.List       // what netmon can measure
	Refused  bool              // the credentials that lead to it are, and it is not asked
}

// Finding is one thing that doctor looked at.
type Finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warning, problem or unknown
	Found string `json:"found"`
	Cure  string `json:"cure,omitempty"`
}

// States of a finding. A warning leaves netmon working, a problem does not.
const (
	OK      = "ok"
	Warning = "warning"
	Problem = "problem"
	Unknown = "unknown"
)

// check looks at one thing, or at several of a kind.
type check func(context.Context, Options) []Finding

// checks are all, in the order in which they are shown.
func checks() []check {
	return []check{examineProgram, examineKinds, examineFiles, examineState, examinePolicy, examineClock, examineSecrets, examineMesh}
}

// Examine makes all checks. A ctx that ends leaves those unknown that it cut short.
func Examine(ctx context.Context, o Options) []Finding {
	var list []Finding
	for _, look := range checks() {
		list = append(list, look(ctx, o)...)
	}
	return list
}
