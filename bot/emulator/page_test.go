package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flowbot/bot/emulator"
)

// patience bounds what is waited for: far above what a busy machine needs.
const patience = 5 * time.Minute

var screenshots = flag.String("screenshots", "", "a folder for pictures of the page")

// browser starts a headless Chromium with a profile of its own, which chromedp
// makes and removes.
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
		chromedp.WindowSize(1600, 900), chromedp.WSURLReadTimeout(patience),
	)
	t.Cleanup(stop)
	// The browser is newer than the protocol: events without a name in it are
	// no error of the page.
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(stop)
	return ctx
}

// drawing is a picture with something to see.
func drawing(t *testing.T, width, height int, tint uint8) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{uint8(x * 255 / width), uint8(y * 255 / height), tint, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// api calls the Bot API as a bot would and fails the test when it is refused.
type api struct {
	t    *testing.T
	base string
}

func (a api) call(method string, kv ...string) {
	a.t.Helper()
	form := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		form.Set(kv[i], kv[i+1])
	}
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.base+"/bot1:test/"+method, strings.NewReader(form.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		a.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %s", method, resp.Status)
	}
}

// say is sendMessage in HTML with rows of buttons, "label=data" each.
func (a api) say(chat int64, html string, rows ...[]string) {
	a.t.Helper()
	kv := []string{"chat_id", strconv.FormatInt(chat, 10), "text", html, "parse_mode", "HTML"}
	if len(rows) > 0 {
		kv = append(kv, "reply_markup", keys(rows...))
	}
	a.call("sendMessage", kv...)
}

func keys(rows ...[]string) string {
	var out []string
	for _, row := range rows {
		var buttons []string
		for _, b := range row {
			label, data, _ := strings.Cut(b, "=")
			buttons = append(buttons, fmt.Sprintf(`{"text":%q,"callback_data":%q}`, label, data))
		}
		out = append(out, "["+strings.Join(buttons, ",")+"]")
	}
	return `{"inline_keyboard":[` + strings.Join(out, ",") + `]}`
}

// stagePhones makes four chats as a working day leaves them.
func stagePhones(t *testing.T, s *emulator.Server, a api) {
	t.Helper()
	a.call("setMyCommands", "commands", `[{"command":"menu","description":"Главное меню"},{"command":"tasks","description":"Мои задачи"},{"command":"help","description":"Что умеет бот"}]`)
	a.call("setMyDescription", "description", "Акты, журналы и сертификаты. Вход по приглашению.")
	partner, reviewer, admin := s.Phone(101, "Партнёр · Анна Белова", "ru"), s.Phone(102, "Оператор · Иван Орлов", "ru"), s.Phone(103, "Администратор", "ru")
	s.Phone(104, "Посторонний", "ru")
	partner.Start("k3Jq")
	a.say(101, "<b>Здравствуйте, Анна Ивановна.</b>\nУчебный центр «Прогресс», представитель партнёра.", []string{"Мои задачи (1)=t:1", "Сотрудники=s:1"})
	a.say(101, "Журнал и скриншоты · поток 118\n\nПришлите журнал одним файлом PDF, затем скриншоты ФИС ФРДО.", []string{"Отмена=c:1"})
	partner.SendDocument("Журнал регистрации, поток 118.pdf", "", make([]byte, 812<<10), "")
	partner.SendAlbum(
		emulator.Attachment{Data: drawing(t, 900, 600, 90), Photo: true},
		emulator.Attachment{Data: drawing(t, 900, 600, 160), Photo: true},
		emulator.Attachment{Data: drawing(t, 900, 600, 220), Photo: true},
	)
	a.say(101, "Получено: <b>журнал</b> и <b>3 скриншота</b>.", []string{"Отправить на согласование=go:1"}, []string{"Убрать файл=rm:1", "Отмена=c:1"})
	reviewer.Start("z81L")
	a.say(102, "На проверке <b>1 пакет</b>, просроченных нет.", []string{"Взять на проверку · акт 14=take:1"})
	reviewer.SendAlbum(emulator.Attachment{Name: "Акт 14.pdf", Data: make([]byte, 90<<10)}, emulator.Attachment{Name: "Журнал.pdf", Data: make([]byte, 812<<10)}, emulator.Attachment{Name: "Пакет.zip", Data: make([]byte, 3<<20)})
	a.say(102, "<blockquote>Нет подписи на листе 2 &lt;b&gt;</blockquote>Возвращено <i>партнёру</i>, срок <code>24.11.2026</code>. Подробнее: /history", []string{"Следующий=n:1", "История=h:1"})
	admin.Start("adm")
	a.say(103, "Приглашение: https://t.me/"+s.BotName()+"?start=Zz19")
	admin.SendContact("+7 900 000-00-00")
	admin.SendSticker()
	a.say(103, "Здесь нужен файл с потоками в формате .xlsx.")
	a.call("editMessageText", "chat_id", "103", "message_id", strconv.Itoa(admin.Last().ID), "text", "Загружено: потоков 12, слушателей 240.")
	a.call("pinChatMessage", "chat_id", "103", "message_id", strconv.Itoa(admin.Last().ID))
	admin.Say("спасибо")
}

func shoot(t *testing.T, ctx context.Context, name string) { //nolint:revive // t first, as in all helpers
	t.Helper()
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

func TestThePageIsAPhonePerPerson(t *testing.T) {
	t.Parallel()
	s := emulator.New(emulator.Options{Transcript: true})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	a := api{t, srv.URL}
	stagePhones(t, s, a)
	ctx := browser(t)

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
		return chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(patience))
	}
	phone := func(id int64) string { return fmt.Sprintf(`document.querySelector('[data-testid="phone-%d"]')`, id) }
	in := func(id int64, selector string) string {
		return fmt.Sprintf(`[data-testid="phone-%d"] %s`, id, selector)
	}
	sees := func(id int64, text string) chromedp.Action {
		return holds(fmt.Sprintf(`%s.innerText.includes(%q)`, phone(id), text))
	}
	button := func(id int64, label string) chromedp.Action {
		return chromedp.Click(fmt.Sprintf(`//article[@data-testid="phone-%d"]//div[@class="row"]/button[starts-with(., %q)]`, id, label), chromedp.BySearch)
	}
	eventually := func(what string, cond func() bool) {
		t.Helper()
		wait, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := s.WaitFor(wait, cond); err != nil {
			shoot(t, ctx, "failed.png")
			t.Fatalf("%s: %v", what, err)
		}
	}
	said := func(id int64, text string) {
		t.Helper()
		p := s.Phone(id, "", "")
		eventually(text, func() bool {
			all := p.Messages()
			return len(all) > 0 && all[len(all)-1].Text == text
		})
	}

	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	step("opening", chromedp.Navigate(srv.URL), chromedp.WaitVisible(in(101, `[data-testid="composer"]`)), sees(101, "3 скриншота"), sees(102, "Следующий"))
	step("pictures", holds(`[...document.images].every((i) => i.complete)`), chromedp.EmulateViewport(1600, 900))
	step("the end in sight", holds(`[...document.querySelectorAll('.messages')].every((m) => m.scrollHeight - m.scrollTop - m.clientHeight < 2)`))
	shoot(t, ctx, "phones.png")

	step("saying", chromedp.SendKeys(in(101, `[data-testid="composer"]`), "привет"), chromedp.Click(in(101, `[data-testid="send"]`)))
	said(101, "привет")
	step("the own text", sees(101, "привет"))

	step("pressing", button(101, "Отправить на согласование"), chromedp.WaitVisible(in(101, ".waiting")))
	eventually("the press", func() bool {
		return strings.Contains(s.Transcript(), "> [Отправить на согласование]")
	})
	query := lastQuery(t, a)
	a.call("answerCallbackQuery", "callback_query_id", query, "text", "Отправлено")
	step("the toast", holds(in2(phone(101), `[data-testid=toast]`)+`.innerText === 'Отправлено'`), chromedp.WaitNotPresent(in(101, ".waiting")))
	step("pressing again", button(101, "Отправить на согласование"))
	eventually("the second press", func() bool {
		return strings.Count(s.Transcript(), "> [Отправить на согласование]") == 2
	})
	a.call("answerCallbackQuery", "callback_query_id", lastQuery(t, a), "text", "Пакет уже на согласовании.", "show_alert", "true")
	step("the alert", chromedp.WaitVisible(in(101, `[data-testid="alert"]`)), sees(101, "Пакет уже на согласовании."))
	shoot(t, ctx, "alert.png")
	step("closing it", chromedp.Click(in(101, `[data-testid="alert"] button`)), chromedp.WaitNotVisible(in(101, `[data-testid="alert"]`)))

	a.say(101, "черновик")
	draft := strconv.Itoa(s.Phone(101, "", "").Last().ID)
	step("a new message", sees(101, "черновик"))
	a.call("editMessageText", "chat_id", "101", "message_id", draft, "text", "чистовик", "reply_markup", keys([]string{"Готово=ok"}))
	step("its edit", sees(101, "чистовик"), sees(101, "изменено"), holds(`!`+phone(101)+`.innerText.includes('черновик')`))
	a.call("deleteMessage", "chat_id", "101", "message_id", draft)
	step("its deletion", holds(`!`+phone(101)+`.innerText.includes('чистовик')`))

	folder := t.TempDir()
	names := []string{"лист 1.png", "лист 2.png"}
	var paths []string
	for i, name := range names {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, drawing(t, 640, 480, uint8(i*100)), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	files := func(photo bool) []emulator.File {
		var got []emulator.File
		for _, m := range s.Phone(101, "", "").Messages() {
			if m.File != nil && !m.Bot && m.File.Photo == photo {
				got = append(got, *m.File)
			}
		}
		return got
	}
	step("files", chromedp.SetUploadFiles(in(101, `[data-testid="attach"]`), paths), sees(101, "лист 2.png"), chromedp.Click(in(101, `[data-testid="send"]`)))
	eventually("two files", func() bool {
		got := files(false)
		return len(got) == 3 && got[1].Name == names[0] && got[2].Name == names[1]
	})
	step("photos", chromedp.SetUploadFiles(in(101, `[data-testid="attach"]`), paths), chromedp.Click(in(101, `[data-testid="as-photo"]`)))
	shoot(t, ctx, "tray.png")
	step("sending them", chromedp.SendKeys(in(101, `[data-testid="composer"]`), "подпись"), chromedp.Click(in(101, `[data-testid="send"]`)))
	eventually("two photos", func() bool { return len(files(true)) == 5 })
	step("they are seen", sees(101, "подпись"), holds(phone(101)+`.querySelectorAll('img').length === 5`))

	step("a start link", chromedp.Click(in(103, `a[href*="start=Zz19"]`)))
	said(103, "/start Zz19")
	step("a command in a text", chromedp.Click(in(102, ".group:not(.mine) button.command")))
	said(102, "/history")
	step("the menu", chromedp.Click(in(102, `[data-testid="commands"]`)), chromedp.Click(`//article[@data-testid="phone-102"]//details[contains(@class,"commands")]//button[starts-with(., "/tasks")]`, chromedp.BySearch))
	said(102, "/tasks")

	step("starting", chromedp.WaitNotVisible(in(104, `[data-testid="composer"]`)), chromedp.Click(in(104, `[data-testid="start"]`)))
	said(104, "/start")
	step("blocking", chromedp.Click(in(104, "details.more summary")), chromedp.Click(in(104, `[data-testid="block"]`)), chromedp.WaitVisible(in(104, `[data-testid="unblock"]`)), sees(104, "бот заблокирован"))
	step("unblocking", chromedp.Click(in(104, `[data-testid="unblock"]`)), chromedp.WaitVisible(in(104, `[data-testid="composer"]`)))

	step("a stranger", chromedp.Click(`[data-testid="add-phone"]`), chromedp.SendKeys(`[data-testid="add-name"]`, "Гость"), chromedp.Click(`[data-testid="add-confirm"]`), holds(`[...document.querySelectorAll('article h2')].some((h) => h.textContent === 'Гость')`))
	step("the log", chromedp.Click(`[data-testid="log-toggle"]`), chromedp.WaitVisible(`[data-testid="calls"] tr`), chromedp.Click(`[data-testid="fault-slow"]`), holds(`document.getElementById('clear').textContent.includes('1')`), holds(`document.querySelector('[data-fault=offline]').getAttribute('aria-pressed') === 'false'`))
	shoot(t, ctx, "log.png")
	step("all well", chromedp.Click(`[data-testid="fault-clear"]`), holds(`!document.getElementById('clear').textContent.includes('1')`), chromedp.Click(`[data-testid="log-toggle"]`))

	step("a narrow screen", chromedp.EmulateViewport(390, 780), holds(`document.documentElement.scrollWidth <= 390`), holds(phone(101)+`.getBoundingClientRect().width <= 390`))
	step("the first phone", chromedp.Click(`#tabs button`), holds(in2(phone(101), ".messages")+`.scrollHeight - `+in2(phone(101), ".messages")+`.scrollTop - `+in2(phone(101), ".messages")+`.clientHeight < 2`), holds(`Math.abs(`+phone(101)+`.getBoundingClientRect().left) < 2`))
	shoot(t, ctx, "narrow.png")

	srv.CloseClientConnections()
	step("a new connection", holds(`document.getElementById('link').textContent === 'на связи'`), sees(101, "подпись"))
}

func in2(root, selector string) string { return fmt.Sprintf("%s.querySelector('%s')", root, selector) }

// lastQuery takes the id of the newest press.
func lastQuery(t *testing.T, a api) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.base+"/bot1:test/getUpdates?offset=-1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Result []struct {
			Query struct {
				ID string `json:"id"`
			} `json:"callback_query"`
		} `json:"result"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if len(got.Result) != 1 || got.Result[0].Query.ID == "" {
		t.Fatalf("the newest update is no press: %+v", got)
	}
	return got.Result[0].Query.ID
}
