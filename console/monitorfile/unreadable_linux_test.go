package monitorfile

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestLook_Unreadable: a file that we may not read is a mistake, as if it were wrong.
func TestLook_Unreadable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(path, []byte("monitors: []\n"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // others than root, too, come as far as the file
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with us
		if os.Geteuid() == 0 {
			_ = syscall.Setfsuid(65534) // root's files are not read by this thread
		}
		_, err := Look([]string{dir}, true).Wanted(checks, true)
		failed <- err
	}()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), path+": permission denied") {
		t.Errorf("it says %v", err)
	}
}
