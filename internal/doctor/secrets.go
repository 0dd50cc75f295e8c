package doctor

import (
	"context"
	"os"
	"path/filepath"

	"netmon/agent/policyfile"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/internal/private"
	"netmon/internal/userdirs"
)

// examineSecrets lists what other users of this host could read, or put in place
// of what is this user's: keys, contexts, and the policy.
func examineSecrets(_ context.Context, o Options) []Finding {
	var list []Finding
	seen := map[string]bool{}
	for _, p := range secretProblems(keysOf(o.Creds)) {
		f := Finding{"secrets", Problem, p.Path + ": " + p.What, p.Cure}
		if p.Warning {
			f.State = Warning
		}
		if !seen[f.Found] {
			seen[f.Found] = true
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return []Finding{{"secrets", OK, "nobody else can read or change keys, contexts and policies", ""}}
	}
	return list
}

func secretProblems(creds []string) (list []*private.Problem) {
	if state := userdirs.State(); state != "" {
		list = append(list, private.Above(filepath.Join(state, "any"))...)
		list = append(list, private.Tree(access.FolderOf(userdirs.State("broker")))...)
		notes, _ := filepath.Glob(filepath.Join(endpoint.NotesFolder(), "*.json"))
		for _, path := range notes {
			list = append(list, private.Secret(path)...)
		}
		for _, b := range endpoint.Locals() {
			if b.Admin != "" {
				list = append(list, private.Tree(b.Admin)...)
			}
		}
		for _, states := range []string{"agent-*", "notifier-*"} {
			dirs, _ := filepath.Glob(membership.IdentityFolder(userdirs.State(states)))
			for _, dir := range dirs {
				list = append(list, private.Tree(dir)...)
			}
		}
	}
	if path := endpoint.ContextsPath(); path != "" {
		list = append(list, private.Above(path)...)
		list = append(list, private.Trusted(path)...)
		list = append(list, private.Tree(userdirs.Config("identities"))...)
		if f, err := endpoint.LoadContexts(path); err == nil {
			if f.HasPasswords() {
				list = append(list, private.Secret(path)...)
			}
			for _, c := range f.Contexts {
				creds = append(creds, keysOf(c.Creds)...)
			}
		}
	}
	for _, path := range creds {
		list = append(list, private.Secret(path)...)
	}
	for _, path := range append(policyfile.Paths(), os.Getenv("NETMON_POLICY")) {
		if path != "" {
			list = append(list, private.Trusted(path)...)
		}
	}
	return list
}

// keysOf are the files of credentials that hold a key: the last of them, or all
// of the folder of an identity.
func keysOf(creds []string) []string {
	if len(creds) == 0 {
		return nil
	}
	last := creds[len(creds)-1]
	if identity.Exists(last) {
		return []string{identity.Creds(last)}
	}
	return []string{last}
}
