package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// workerPlace is one of the places of a host and a DATA_DIR in which workers
// work. A process holds one by a lock that ends with it, so the next one that
// takes the place knows that whatever was running under its id is running no
// more.
type workerPlace struct {
	*os.File
	id string
}

// maxPlaces is more workers than one data directory is served by.
const maxPlaces = 100

// takeWorkerPlace takes the first free place.
func takeWorkerPlace(dataDir string) (*workerPlace, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, fmt.Errorf("place of a worker: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the private PostgreSQL's user passes through it
		return nil, fmt.Errorf("place of a worker: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("place of a worker: %w", err)
	}
	sum := sha256.Sum256([]byte(dir))
	for n := 1; n <= maxPlaces; n++ {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("worker-%d.lock", n)), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("place of a worker: %w", err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			// The queue keeps at most 100 bytes of it.
			return &workerPlace{f, fmt.Sprintf("%.60s-%s-%d", host, hex.EncodeToString(sum[:6]), n)}, nil
		}
		_ = f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("place of a worker: %w", err)
		}
	}
	return nil, fmt.Errorf("place of a worker: all %d are taken", maxPlaces)
}
