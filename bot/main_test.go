package bot_test

import (
	"os"
	"testing"

	"flowbot/db/dbtest"
	"flowbot/service/foreign"
)

// TestMain makes this program the child that looks at what people send, as the
// real one is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		os.Exit(foreign.Main(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(dbtest.Main(m))
}
