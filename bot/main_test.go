package bot_test

import (
	"os"
	"testing"

	"flowbot/db/dbtest"
	"flowbot/service/foreign"
	"flowbot/service/ocr"
)

// TestMain makes this program the children that look at what people send, as the
// real one is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" && os.Args[2] == "recognise" {
		os.Exit(ocr.Main(os.Args[3:], os.Stdin, os.Stdout))
	}
	if len(os.Args) > 1 && os.Args[1] == "child" {
		os.Exit(foreign.Main(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(dbtest.Main(m))
}

// atEnd does something when a test ends, and lets go of all that it takes for that:
// package testing keeps what it was given until the last test of a package has ended.
func atEnd(t *testing.T, do func()) {
	t.Helper()
	t.Cleanup(func() {
		do()
		do = nil
	})
}
