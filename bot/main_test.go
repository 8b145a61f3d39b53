package bot_test

import (
	"os"
	"testing"

	"flowbot/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }
