package endpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"netmon/broker/access"
	"netmon/console/shellwords"
	"netmon/identity"
	"netmon/internal/atomicfile"
	"netmon/internal/private"
	"netmon/internal/userdirs"
)

// Local is a broker of this host. It notes itself in a file while it runs,
// so that commands given there find it, and the identity that it left for them.
type Local struct {
	URL     string    `json:"url"`
	Store   string    `json:"store"`
	Admin   string    `json:"admin,omitempty"` // folder of an admin's identity; "" where it asks nobody
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`

	own bool  // its store is the one that brokers of this user have unless told otherwise
	err error // why its identity cannot be used, for others could
}

// systemStore is the store of the unit in packaging/systemd. Root may read it.
const systemStore = "/var/lib/netmon-broker"

// NotesFolder is the folder of these files, "" where this user has no folder.
func NotesFolder() string { return userdirs.State("brokers") }

// noteBroker leaves the file of a broker that starts; what it returns removes it,
// unless another process has replaced it since.
func noteBroker(b Local) (forget func(), err error) {
	dir := NotesFolder()
	if dir == "" {
		return func() {}, userdirs.Homeless("")
	}
	if b.Store, err = filepath.Abs(b.Store); err == nil && b.Admin != "" {
		b.Admin, err = filepath.Abs(b.Admin)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return func() {}, err
	}
	b.PID, b.Started = os.Getpid(), time.Now().UTC()
	data, err := json.Marshal(b)
	if err != nil {
		return func() {}, err
	}
	sum := sha256.Sum256([]byte(b.Store))
	path := filepath.Join(dir, hex.EncodeToString(sum[:8])+".json")
	if err := atomicfile.Write(path, append(data, '\n')); err != nil {
		return func() {}, err
	}
	return func() {
		if now, err := readNote(path); err == nil && now.PID == b.PID && now.Started.Equal(b.Started) {
			os.Remove(path)
		}
	}, nil
}

// Note is noteBroker for a broker that starts anyway where it cannot be done.
func Note(b Local, log *slog.Logger) (forget func()) {
	forget, err := noteBroker(b)
	if err != nil {
		log.Debug("commands on this host do not find this broker by themselves", "error", err)
	}
	return forget
}

func readNote(path string) (b Local, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(data, &b)
}

// Locals are those that this user may have to do with: those that noted
// themselves, that of its own store, that of the unit. Its own comes first, and
// then the newest. A note whose store is gone is removed.
func Locals() []Local {
	var list []Local
	add := func(b Local, ok bool) {
		if ok && !slices.ContainsFunc(list, func(o Local) bool { return SameFolder(o.Store, b.Store) }) {
			list = append(list, b)
		}
	}
	for _, dir := range noteFolders() {
		files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		for _, path := range files {
			add(fromNote(path))
		}
	}
	if store := userdirs.State("broker"); store != "" {
		add(fromStore(store))
	}
	add(fromStore(systemStore))
	slices.SortStableFunc(list, func(a, b Local) int {
		switch {
		case a.own != b.own && a.own:
			return -1
		case a.own != b.own:
			return 1
		}
		return b.Started.Compare(a.Started)
	})
	return list
}

// noteFolders are this user's, and for root that of who became root.
func noteFolders() []string {
	var dirs []string
	if own := NotesFolder(); own != "" {
		dirs = append(dirs, own)
	}
	if who := os.Getenv("SUDO_USER"); who != "" && os.Geteuid() == 0 {
		if u, err := user.Lookup(who); err == nil {
			dirs = append(dirs, filepath.Join(u.HomeDir, ".local", "state", "netmon", "brokers"))
		}
	}
	return dirs
}

// fromStore is the broker of a store, which need not run, where this user may
// read the identity that it left.
func fromStore(store string) (b Local, ok bool) {
	b = Local{Store: store, Admin: access.AdminFolder(access.FolderOf(store)), own: store == userdirs.State("broker")}
	return b, b.load() == nil
}

// fromNote is the broker of a file.
func fromNote(path string) (b Local, ok bool) {
	if err := private.Err(private.Secret(path)); err != nil {
		return Local{Store: path, Admin: path, err: err}, true
	}
	b, err := readNote(path)
	if err != nil || b.URL == "" {
		return b, false
	}
	b.own = SameFolder(b.Store, userdirs.State("broker"))
	if b.Admin == "" {
		return b, true
	}
	err = b.load()
	if errors.Is(err, fs.ErrNotExist) {
		os.Remove(path) // it is of no use to anybody
	}
	return b, err == nil
}

// load reads the broker's address from the identity, which each start replaces.
// What others could read is kept as b.err.
func (b *Local) load() error {
	id, err := identity.Load(b.Admin)
	if others := (*private.Problem)(nil); errors.As(err, &others) {
		b.err = err
		return nil
	}
	if err == nil {
		b.URL = id.URL
	}
	return err
}

// SameFolder says whether two paths are one folder.
func SameFolder(a, b string) bool {
	real := func(path string) string {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		if r, err := filepath.EvalSymlinks(path); err == nil {
			return r
		}
		return path
	}
	return a != "" && b != "" && real(a) == real(b)
}

// creds is what a command is given to come to this broker and no other.
func (b Local) creds() string { return "--creds " + shellwords.Quote(b.Admin) }
