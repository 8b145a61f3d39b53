package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// patience bounds what is waited for: far above what a busy machine needs.
const patience = 5 * time.Minute

var screenshots = flag.String("screenshots", "", "a folder for pictures of the page")

// browser starts a headless Chromium with a telephone's screen.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("the page is tested in Chromium: install the Debian package chromium (make test does)")
	}
	ctx, stop := chromedp.NewExecAllocator(
		t.Context(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WindowSize(390, 780), chromedp.WSURLReadTimeout(patience),
	)
	t.Cleanup(stop)
	// The browser is newer than the protocol: events without a name in it are
	// no error of the page.
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(stop)
	return ctx
}

func shoot(t *testing.T, ctx context.Context, name string) { //nolint:revive // t first, as in all helpers
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var png []byte
	if err := chromedp.Run(ctx, chromedp.CaptureScreenshot(&png)); err != nil {
		t.Fatal(err)
	}
	if len(png) < 1000 {
		t.Errorf("the picture %s has %d bytes", name, len(png))
	}
	if *screenshots == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestThePageSendsALargeFileThroughWhateverBreaks sends 30 MB from a telephone
// while the server dies, another file while the tab is closed, and hands over.
func TestThePageSendsALargeFileThroughWhateverBreaks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.link()
	address := d.http.URL + "/upload/" + token
	folder := t.TempDir()
	write := func(name string, size int) (path, sha string) {
		t.Helper()
		path = filepath.Join(folder, name)
		body := content(size)
		body[0] = byte(len(name)) // each its own
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		return path, hex.EncodeToString(sum[:])
	}
	large, largeSHA := write("Сертификаты 24-118, цветные.pdf", 30<<20)
	photo, photoSHA := write("IMG_0412.jpg", 900<<10)
	late, lateSHA := write("Последние листы.pdf", 12<<20)
	over := filepath.Join(folder, "Архив за год.zip")
	if err := os.WriteFile(over, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(over, 2*most); err != nil {
		t.Fatal(err)
	}

	root := browser(t)
	if err := chromedp.Run(root); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	var shut context.CancelFunc
	tab := func() (ctx context.Context) {
		ctx, shut = chromedp.NewContext(root)
		t.Cleanup(shut)
		if err := chromedp.Run(ctx); err != nil { // the tab lives as long as the context of its first run
			t.Fatalf("opening a tab: %v", err)
		}
		return ctx
	}
	ctx := tab()
	step := func(name string, actions ...chromedp.Action) {
		t.Helper()
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := chromedp.Run(limited, actions...); err != nil {
			shoot(t, ctx, "failed.png")
			t.Fatalf("%s: %v", name, err)
		}
	}
	holds := func(expression string) chromedp.Action {
		return chromedp.Poll(expression, nil, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience))
	}
	sees := func(text string) chromedp.Action {
		return holds(fmt.Sprintf(`document.body.innerText.replaceAll('\u00a0', ' ').includes(%q)`, text))
	}
	opening := chromedp.EmulateViewport(390, 780, chromedp.EmulateMobile, chromedp.EmulateTouch)
	step("opening", opening, chromedp.Navigate(address),
		sees("Экзамен 24-118"), sees("осталось 30 мин"), chromedp.WaitVisible(`label[for=camera]`),
		holds(`document.documentElement.scrollWidth <= 390`), chromedp.WaitNotVisible(`#done`))
	shoot(t, ctx, "upload-empty.png")

	d.slow.holdAfter(10 << 20)
	step("choosing", chromedp.SetUploadFiles(`#files`, []string{large, photo, over}), sees("Загружено"), sees("128,0 МБ при пределе 64,0 МБ"))
	d.until("part of it is here", func() bool { return d.slow.count() >= 10<<20 })
	step("what each button does", holds(`[...document.querySelectorAll('.drop')].map((b) => b.textContent).join(' ') === 'Отменить Отменить Убрать'`))
	step("the bar", holds(`document.getElementById('bar').value > .2 && document.getElementById('done').disabled`), holds(`document.documentElement.scrollWidth <= 390`))
	shoot(t, ctx, "upload-sending.png")
	before := d.slow.count()
	d.http.CloseClientConnections()
	d.slow.open()
	d.reopen()
	step("after the server has died", sees("Передан, 30,0 МБ"), sees("Передан, 900 КБ"), sees("Загружено: 30,9 МБ. Не загружено файлов: 1"), holds(`!document.getElementById('done').disabled`))
	if sent, all := d.slow.count(), 30<<20+900<<10; sent < all || sent-before > all {
		t.Errorf("%d bytes were sent after %d, of %d", sent-before, before, all)
	}

	begun := d.slow.count()
	d.slow.holdAfter(5 << 20)
	step("one more file", chromedp.SetUploadFiles(`#files`, []string{late}))
	d.until("part of it is here", func() bool { return d.slow.count() >= begun+5<<20 })
	id := chromedp.FromContext(ctx).Target.TargetID
	shut()
	d.until("the tab is gone", func() bool { // else it sends the rest before it goes
		list, err := chromedp.Targets(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if one.TargetID == id {
				return false
			}
		}
		return true
	})
	ctx = tab()
	d.slow.open()
	step("and opened again", opening, chromedp.Navigate(address), sees("Выберите этот файл ещё раз"), sees("Передан, 30,0 МБ"))
	shoot(t, ctx, "upload-resumed.png")
	again := d.slow.count()
	step("the file is chosen again", chromedp.SetUploadFiles(`#files`, []string{late}), sees("Передан, 12,0 МБ"))
	if sent := d.slow.count() - again; sent >= 12<<20 {
		t.Errorf("the file was sent from its beginning: %d bytes", sent)
	}
	step("done", chromedp.Click(`#done`), sees("Файлы переданы"), sees("Файлов: 3, всего 42,9 МБ"), chromedp.WaitNotVisible(`#foot`))
	shoot(t, ctx, "upload-done.png")
	step("the link is used", chromedp.Navigate(address), sees("Ссылка не действует"))
	shoot(t, ctx, "upload-dead.png")

	if diff := cmp.Diff(map[string]string{
		"Сертификаты 24-118, цветные.pdf": largeSHA, "IMG_0412.jpg": photoSHA, "Последние листы.pdf": lateSHA,
	}, d.shas()); diff != "" {
		t.Error(diff)
	}
	if d.left() != 0 {
		t.Errorf("%d names are left", d.left())
	}
}

// shas are the received files by their names.
func (d *desk) shas() map[string]string {
	d.t.Helper()
	out := map[string]string{}
	for _, name := range d.strings(`SELECT name FROM scan_files`) {
		out[name] = d.strings(`SELECT file_sha FROM scan_files WHERE name = ?`, name)[0]
	}
	return out
}
