package access

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/internal/filelock"
	"netmon/internal/private"
	"netmon/wire"
)

// Authority is the mesh's keys, certificates and registry of identities.
type Authority struct {
	dir      string
	signs    atomic.Pointer[signing]
	registry *registry
	trust    *trust
	log      *slog.Logger

	rotation  *rotation
	operators atomic.Pointer[identity.Operators] // whose word on what is saved counts

	behind atomic.Bool // the servers have the keys from before a switch

	mu       sync.Mutex
	enrolled []string // folders of identities that Enrol let in

	controllerKey nkeys.KeyPair // of this process, kept nowhere
	controller    wire.Member
	filesKey      nkeys.KeyPair // likewise: see Files

	lock  *os.File
	again again
}

// FolderOf is where a broker with this store keeps its authority.
func FolderOf(store string) string { return filepath.Join(store, "access") }

// Exists says whether a folder holds an authority, or what is left of one.
func Exists(dir string) bool {
	return slices.ContainsFunc([]string{keysName, registryName, trustName, caKeyName}, func(name string) bool { return present(dir, name) })
}

// present says whether a file is there, or may be.
func present(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// incomplete names the files that an authority in use has lost: others in their
// place would be another mesh's, which nobody who joined trusts. A start that
// was cut short the first time has lost nothing.
func incomplete(dir string, b *registry) error {
	var lost []string
	for _, name := range []string{keysName, caKeyName, caName} {
		if !present(dir, name) {
			lost = append(lost, name)
		}
	}
	used := b.number() > 0 || len(b.entries) > 0 || present(dir, trustName)
	if len(lost) == 0 || !used && (present(dir, keysName) || !present(dir, caKeyName)) {
		return nil
	}
	return fmt.Errorf("access: %s: %s: missing, and what is left was made with it: restore it from a backup of the folder; without one, remove the whole folder and let all join again",
		dir, strings.Join(lost, ", "))
}

// lockName is the file that says that somebody has the authority open: two that
// write one registry would lose each other's revocations.
const lockName = "lock"

// ErrInUse says that another process has the folder open.
var ErrInUse = errors.New("is in use by another process")

// Close releases the folder.
func (a *Authority) Close() error { return a.lock.Close() }

// Open reads the authority of a folder, or makes one, and keeps others away from
// it until Close. One that other users could read or write is refused. hosts are the names and addresses that others reach the broker by.
func Open(dir string, hosts []string, log *slog.Logger) (*Authority, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	a := &Authority{dir: dir, log: log}
	var err error
	if a.lock, err = os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	taken, err := filelock.Try(a.lock)
	if taken {
		err = fmt.Errorf("access: %s %w, a broker or a controller: stop that one first", dir, ErrInUse)
	}
	if err == nil {
		err = private.Err(private.Tree(dir))
	}
	if err == nil {
		err = a.open(hosts)
	}
	if err != nil {
		a.lock.Close()
		return nil, err
	}
	return a, nil
}

func (a *Authority) open(hosts []string) (err error) {
	if !Exists(a.dir) { // before the keys: a folder with keys and without a registry has lost it
		if err := newRegistry(a.dir); err != nil {
			return err
		}
	}
	if a.registry, err = openRegistry(a.dir); err != nil {
		return err
	}
	if a.rotation, err = openRotation(a.dir); err != nil {
		return err
	}
	if err := incomplete(a.dir, a.registry); err != nil {
		return err
	}
	signs, err := openSigning(a.dir, hosts, time.Now())
	if err != nil {
		return err
	}
	a.signs.Store(signs)
	a.countSaved()
	if a.trust, err = openTrust(a.dir, signs.keys.operator, signs.cert); err != nil {
		return err
	}
	a.trust.announce(a.rotation.pin())
	if err := a.checkRegistry(); err != nil {
		return err
	}
	if a.controllerKey, err = nkeys.CreateUser(); err != nil {
		return err
	}
	if a.filesKey, err = nkeys.CreateUser(); err != nil {
		return err
	}
	a.controller = wire.Member{Key: public(a.controllerKey), Name: string(roleController), Role: roleController}
	if a.rotation.f.Stage == stageSwitching {
		return a.complete()
	}
	return a.relist()
}

// countSaved says whose word counts on what is saved: that of the authority, and,
// until all of it was accepted again, that of the previous one.
func (a *Authority) countSaved() { a.operators.Store(identity.NewOperators(a.savedPins()...)) }

// savedPins are the authorities whose word counts on what is saved, PEM.
func (a *Authority) savedPins() []string {
	pins := []string{string(a.certs().authority)}
	if before := a.rotation.before(); before != "" {
		pins = append(pins, before)
	}
	return pins
}

// Pin is the fingerprint of the mesh's certificate authority, as a join line
// carries it.
func (a *Authority) Pin() string { return identity.Fingerprint(a.certs().authority) }

// Labels are those that an agent was let in with; known is false for one that
// did not join by a token.
func (a *Authority) Labels(agent string) (labels map[string]string, known bool) {
	id, known := a.registry.get(agent)
	return id.Labels, known
}

// Invite makes a token by which a name can join. It is the secret: the registry
// keeps its hash only.
func (a *Authority) Invite(by string, c wire.AccessCommand) (token string, err error) {
	token, _, err = a.registry.invite(by, c)
	return token, err
}

// Accounts are the mesh's accounts as a server takes them.
func (a *Authority) Accounts() ([]Account, error) { return a.keys().accountJWTs(a.registry.revoked) }

// Secure sets an embedded server up to know the mesh's identities, over TLS.
func (a *Authority) Secure(o *server.Options) error {
	operator, err := a.keys().operatorJWT()
	if err != nil {
		return err
	}
	claims, err := jwt.DecodeOperatorClaims(operator)
	if err != nil {
		return err
	}
	accounts, err := a.Accounts()
	if err != nil {
		return err
	}
	o.AccountResolver = &server.MemAccResolver{}
	if err := Remember(o, accounts); err != nil {
		return err
	}
	if o.DefaultSentinel, err = a.keys().joinJWT(); err != nil {
		return err
	}
	o.TrustedOperators, o.SystemAccount = []*jwt.OperatorClaims{claims}, claims.SystemAccount
	o.TLSConfig, o.TLSTimeout, o.TLS = a.certs().config(), 5, true
	return nil
}

// Remember notes accounts for the next start of a server with these options.
func Remember(o *server.Options, accounts []Account) error {
	for _, acc := range accounts {
		if err := o.AccountResolver.Store(acc.Key, acc.JWT); err != nil {
			return err
		}
	}
	return nil
}

// Update brings changed accounts into a running embedded server: whoever was
// revoked is cut off. One that is as the server knows it is left alone: taken
// again it would forget answers under way, and how long they may take (answersOf).
func Update(srv *server.Server, accounts []Account) error {
	var errs []error
	for _, acc := range accounts {
		claims, err := jwt.DecodeAccountClaims(acc.JWT)
		if err == nil && known(srv, claims) {
			continue
		}
		if err == nil {
			err = srv.AccountResolver().Store(acc.Key, acc.JWT)
		}
		if err == nil {
			var live *server.Account
			if live, err = srv.LookupAccount(acc.Key); err == nil {
				srv.UpdateAccountClaims(live, claims)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", acc.Name, err))
		}
	}
	return errors.Join(errs...)
}

// known says whether a server has an account as these claims say it.
func known(srv *server.Server, claims *jwt.AccountClaims) bool {
	token, err := srv.AccountResolver().Fetch(claims.Subject)
	if err != nil {
		return false
	}
	has, err := jwt.DecodeAccountClaims(token)
	if err != nil {
		return false
	}
	has.ID, has.IssuedAt = claims.ID, claims.IssuedAt // when it was signed, and what is made of that
	return reflect.DeepEqual(has, claims)
}

// Push brings changed accounts to a nats-server that is not embedded, over a
// connection of its system account.
func Push(ctx context.Context, system *nats.Conn, accounts []Account) error {
	var errs []error
	for _, acc := range accounts {
		msg, err := system.RequestWithContext(ctx, updateClaims, []byte(acc.JWT))
		if err == nil {
			err = claimsAnswer(msg.Data)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", acc.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Built is a credential that the broker's own process makes for itself, as the
// controller or as the person who runs it. Its key is kept nowhere.
func (a *Authority) Built(role wire.Role, name string) ([]nats.Option, error) {
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	return builtOptions(role, name, func() (string, error) { return a.keys().userJWT(role, name, public(key)) }, key), nil
}

// Controller is the role of [Authority.Built] for the controller.
const Controller = roleController

func builtOptions(role wire.Role, name string, token func() (string, error), key nkeys.KeyPair) []nats.Option {
	inbox := ConsoleInbox + "." + name
	switch role {
	case wire.RoleAgent:
		inbox = "_INBOX_" + name
	case roleController:
		inbox = "_INBOX_controller"
	}
	return []nats.Option{
		nats.UserJWT(token, key.Sign), // signed again at each connect: the authority may be another one
		nats.CustomInboxPrefix(inbox),
	}
}

// AdminFolder is where, below the folder of an authority, an admin's identity is
// for who runs commands on the broker's own host.
func AdminFolder(dir string) string { return filepath.Join(dir, "admin") }

// WriteAdmin leaves that identity in a folder. url is where the broker listens.
// One that is there, is in the registry, and that nobody else could read stays as it
// is; in place of any other there is a new one, and the previous key is shut out.
// So a start changes no key, unless somebody revoked it.
func (a *Authority) WriteAdmin(dir, url string) error {
	if have, err := identity.Load(dir); err == nil && have.Authority == string(a.certs().authority) {
		key, err := identity.PublicKey(dir)
		if who, is := a.registry.member(key); err == nil && is && who.Name == LocalAdmin && who.Role == wire.RoleAdmin {
			have.URL = url
			return have.SaveInfo(dir)
		}
	}
	return a.makeAdmin(dir, url)
}

// Admin is the folder of [AdminFolder] for this authority.
func (a *Authority) Admin() string { return AdminFolder(a.dir) }

// ClientTLS trusts the mesh's authority and nobody else.
func (a *Authority) ClientTLS() (*tls.Config, error) {
	return identity.TLS(string(a.certs().authority))
}
