package bot

import (
	"context"

	"flowbot/service"
)

// examTasks are the tasks that stand for exams, with the button that lists them
// and what is pressed of one exam. Those of a certificate status open the list of
// exams, and the card of one.
var examTasks = []struct {
	kind  service.TaskKind
	code  Action
	label string // "" when the code is another subject's
	one   Action
	named string // the label of one, which ends with its number
}{
	{service.TaskResults, "mtr", "task_results", pressResults, "task_results_of"},
	{service.TaskProtocol, "mtp", "task_protocol", pressProtocol, "protocol"},
	{service.TaskProtocolFree, "mtf", "task_protocol_free", pressProtocol, "protocol"},
	{service.TaskProtocolMine, "mtm", "task_protocol_mine", pressProtocol, "protocol"},
	{service.TaskToGenerate, "ex3", "", pressExam, "exam"},
	{service.TaskToLoad, "ex4", "", pressExam, "exam"},
	{service.TaskPartlyLoaded, "ex5", "", pressExam, "exam"},
}

func (b *Bot) taskActions() []action {
	out := []action{{pressTasks, "tasks", b.tasksPressed}}
	for _, e := range examTasks {
		if e.label != "" {
			out = append(out, action{e.code, e.label, b.examTaskPressed(e.kind, e.one)})
		}
	}
	return out
}

// examTaskPressed lists the exams that a task stands for, for what is due.
func (b *Bot) examTaskPressed(kind service.TaskKind, due Action) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		return b.chooseExam(ctx, t, kind.Exams(t.By.PersonID, dayOf(b.now(), t.By)), due)
	}
}

// examTaskButton leads to what is due of the exam of a task or, if there are
// several, to their list.
func examTaskButton(task service.Task) Button {
	for _, e := range examTasks {
		switch {
		case e.kind != task.Kind:
		case task.ExamID != 0:
			return Button{Label: e.named, Press: Press{Do: e.one, ID: task.ExamID}, Args: task.Exam}
		default:
			return Button{Press: Press{Do: e.code}, Args: task.Count}
		}
	}
	return Button{Press: Press{Do: pressMenu}}
}

// tasksView is what the list of tasks says above its buttons.
type tasksView struct {
	Tasks []service.Task // of this page
	Total int
	Page  int
	Pages int
	First int // number of the first one shown, from 1
}

// tasks shows what is due from this person, most urgent first, with a button
// straight into each.
func (b *Bot) tasks(ctx context.Context, t *Turn) (Reply, error) {
	all, err := b.Tasks.List(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	page := 0
	if t.Press != nil {
		page = pageOf(t.Press.ID)
	}
	pages := max(1, (len(all)+pageSize-1)/pageSize)
	page = min(page, pages-1)
	shown := all[page*pageSize : min(len(all), (page+1)*pageSize)]
	r := Reply{Text: "tasks_list", Data: tasksView{shown, len(all), page, pages, page*pageSize + 1}}
	for _, task := range shown {
		r.Rows = append(r.Rows, row(taskButton(task)))
	}
	r.Rows = append(r.Rows, turnPages(page, page+1 < pages, func(p int) Press { return Press{Do: pressTasks, ID: int64(p)} })...)
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// taskButton leads straight into a task.
func taskButton(task service.Task) Button {
	switch task.Kind {
	case service.TaskReplace:
		return Button{Press: Press{Do: pressReplace, ID: task.CohortID}, Args: task.Cohort}
	case service.TaskUpload:
		return Button{Press: Press{Do: pressUpload, ID: task.CohortID}, Args: task.Cohort}
	case service.TaskGenerate:
		return Button{Press: Press{Do: pressGenerate, ID: task.CohortID}, Args: task.Cohort}
	case service.TaskReview:
		return Button{Label: "task_review", Press: Press{Do: pressOpen, ID: task.ActID}, Args: task.Act}
	case service.TaskQueue:
		return Button{Label: "task_queue", Press: Press{Do: pressQueue}, Args: task.Count}
	case service.TaskTroubles:
		return Button{Label: "task_troubles", Press: Press{Do: pressTroubles}, Args: task.Count}
	case service.TaskResults, service.TaskProtocol, service.TaskProtocolFree, service.TaskProtocolMine,
		service.TaskToGenerate, service.TaskToLoad, service.TaskPartlyLoaded:
		return examTaskButton(task)
	case service.TaskFillCenter:
		if task.CenterID == 0 {
			return Button{Press: Press{Do: pressFillCenters}, Args: task.Count}
		}
		return Button{Press: Press{Do: pressCenter, ID: task.CenterID}}
	case service.TaskNameBlanks:
		return Button{Press: Press{Do: pressNameBlanks}}
	case service.TaskQuestions:
		return Button{Press: Press{Do: pressQuestions, ID: task.ExamID}, Args: task.Count}
	case service.TaskBatchExam:
		return Button{Label: "task_batch_exam", Press: Press{Do: pressBatchAsk, ID: task.Batch.ID}, Args: task.Batch}
	}
	return Button{Press: Press{Do: pressMenu}}
}

func (b *Bot) tasksPressed(ctx context.Context, t *Turn) (Reply, error) {
	return edited(b.tasks(ctx, t))
}

// renderReminder reminds a person of what is due today.
func (b *Bot) renderReminder(ctx context.Context, to service.Actor, n service.ReminderNotice) (letter, error) {
	r, err := b.Tasks.Reminder(ctx, to, n)
	if err != nil {
		return letter{}, err
	}
	if r.Empty() {
		return letter{Skip: true}, nil
	}
	l := letter{Reply: Reply{Text: "reminder", Data: r}}
	for _, task := range r.Tasks[:min(len(r.Tasks), pageSize)] {
		l.Rows = append(l.Rows, row(taskButton(task)))
	}
	if r.DueNext+r.Overdue > 0 {
		l.Rows = append(l.Rows, row(Button{Press: Press{Do: pressQueue}}))
	}
	l.Rows = append(l.Rows, row(Button{Press: Press{Do: pressTasks}}))
	return l, nil
}
