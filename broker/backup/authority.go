package backup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"netmon/broker/access"
)

// InstallAccess verifies a backup, and puts its authority alone into a folder that
// has none: for a nats-server that is not embedded.
func (m *Manifest) InstallAccess(ctx context.Context, dir, folder string) error {
	if err := m.Verify(ctx, dir, nil); err != nil {
		return err
	}
	files, err := m.readAccess(dir)
	if err != nil {
		return err
	}
	return access.Install(folder, files)
}

// SameAuthority says whether a folder has the keys of a backup: with others nobody
// could check who saved what is in it.
func (m *Manifest) SameAuthority(dir, folder string) error {
	files, err := m.readAccess(dir)
	if err != nil {
		return err
	}
	for _, name := range []string{"keys.json", "ca.pem"} {
		has, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(has, files[name]) {
			return fmt.Errorf("%s has the keys of another mesh than the backup: give the folder that netmon restore --access made", folder)
		}
	}
	return nil
}
