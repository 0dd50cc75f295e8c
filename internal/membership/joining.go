package membership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"netmon/identity"
	"netmon/internal/exit"
	"netmon/internal/private"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// joinFolders are the folders of agents in which a line may have been used before.
func (w Wanted) joinFolders() ([]string, error) {
	switch {
	case w.State != "":
		return []string{w.State}, nil
	case w.IDGiven:
		state, err := w.stateOf(w.ID)
		return []string{state}, err
	case userdirs.State() == "":
		return nil, nil
	}
	return filepath.Glob(filepath.Join(userdirs.State(), "agent-*"))
}

// join exchanges a line for an identity. One that was exchanged here before is
// known again, so that a unit or a container may keep the line. What can be wrong
// here is checked before the broker is asked.
func (w Wanted) join(ctx context.Context, text string) (Membership, error) {
	line, err := identity.ParseLine(text)
	if err != nil {
		return Membership{}, exit.Usage("--join: %w", err)
	}
	if w.Labels {
		return Membership{}, exit.Usage("--label: an agent that joins has the labels of its line: make one with netmon token new agent --label NAME=VALUE")
	}
	places, err := w.joinFolders()
	if err != nil {
		return Membership{}, err
	}
	for _, state := range places {
		if line.UsedFor(IdentityFolder(state)) {
			return w.member(state, "")
		}
	}
	as := identity.Joiner{As: wire.JoinAgent, Host: JoinID(), Folder: userdirs.State()}
	if w.IDGiven {
		as.Name = w.ID
	}
	known, err := w.stateOf(cmp.Or(as.Name, as.Host))
	if err != nil {
		return Membership{}, err
	}
	if err := private.Err(private.Tree(IdentityFolder(known))); err != nil {
		return Membership{}, exit.Usage("%w", err)
	}
	if w.State != "" {
		as.Folder = IdentityFolder(known)
	}
	var state string
	as.Dir = func(got wire.Credential) (string, error) {
		state, err = w.stateOf(got.Name)
		return IdentityFolder(state), err
	}
	id, dir, err := identity.Join(ctx, line, as)
	if err != nil {
		return w.notJoined(line, as, places, err)
	}
	fmt.Fprintf(w.Say, "joined as %s; its key is in %s and nowhere else\n", id.Credential.Name, dir)
	return w.member(state, "")
}

// notJoined is what becomes of an agent that a line did not let in. One that is of
// that mesh already continues as it is, if it is clear which one is meant: where
// many agents have one line, that one is replaced while they are in.
func (w Wanted) notJoined(line identity.Line, as identity.Joiner, places []string, err error) (Membership, error) {
	if len(places) == 1 && (w.State != "" || w.IDGiven) {
		have, loadErr := identity.Load(IdentityFolder(places[0]))
		if loadErr == nil && identity.Fingerprint([]byte(have.Authority)) == line.Pin {
			fmt.Fprintf(w.Say, "netmon: using the identity in %s; the line was not used: %v\n", IdentityFolder(places[0]), err)
			return w.member(places[0], "")
		}
	}
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Code == wire.CodeToken {
		err = fmt.Errorf("%w\nan agent that was in before and lost its state comes back by a line of netmon token new agent --id %s --replace", err, cmp.Or(as.Name, "ID"))
	}
	return Membership{}, err
}

// Console exchanges a line for an identity among this user's settings.
func Console(ctx context.Context, text string) (id identity.Identity, dir string, err error) {
	line, err := identity.ParseLine(text)
	if err != nil {
		return id, "", exit.Usage("--join: %w", err)
	}
	return identity.Join(ctx, line, identity.Joiner{As: wire.JoinConsole, Folder: userdirs.Config("identities"), Dir: func(got wire.Credential) (string, error) {
		return freeFolder(userdirs.Config("identities", got.Name)), nil
	}})
}

// freeFolder is a folder that does not exist yet.
func freeFolder(base string) string {
	dir := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return dir
		}
		dir = fmt.Sprintf("%s-%d", base, n)
	}
}
