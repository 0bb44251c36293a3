//go:build desktop && production && cgo

package app

/*
#cgo pkg-config: gtk+-3.0
#cgo !webkit2_41 pkg-config: webkit2gtk-4.0
#cgo webkit2_41 pkg-config: webkit2gtk-4.1

#include <gtk/gtk.h>
#include <webkit2/webkit2.h>

extern void gatehousePageCrashed(void);

static void gh_terminated(WebKitWebView *view, WebKitWebProcessTerminationReason reason, gpointer data) {
	if (reason != WEBKIT_WEB_PROCESS_TERMINATED_BY_API) gatehousePageCrashed();
}

static void gh_find(GtkWidget *w, gpointer found) {
	if (WEBKIT_IS_WEB_VIEW(w)) *(GtkWidget **)found = w;
	else if (GTK_IS_CONTAINER(w)) gtk_container_forall(GTK_CONTAINER(w), gh_find, found);
}

static GtkWidget *gh_view(void) {
	GtkWidget *view = NULL;
	GList *tops = gtk_window_list_toplevels();
	for (GList *l = tops; l && !view; l = l->next) gh_find(GTK_WIDGET(l->data), &view);
	g_list_free(tops);
	return view;
}

// gh_watch and gh_load run on GTK's thread; the first until the web view is there.
static gboolean gh_watch(gpointer data) {
	GtkWidget *view = gh_view();
	if (!view) return G_SOURCE_CONTINUE;
	g_signal_connect(view, "web-process-terminated", G_CALLBACK(gh_terminated), NULL);
	return G_SOURCE_REMOVE;
}

// The address is where Wails serves the splash page on Linux.
static gboolean gh_load(gpointer data) {
	GtkWidget *view = gh_view();
	if (view) webkit_web_view_load_uri(WEBKIT_WEB_VIEW(view), "wails://wails/");
	return G_SOURCE_REMOVE;
}

static void gh_begin(void) { g_timeout_add(20, gh_watch, NULL); }
static void gh_again(void) { g_idle_add(gh_load, NULL); }
*/
import "C"

import "sync/atomic"

// pageCrashed is told by the one window of the process.
var pageCrashed atomic.Pointer[func()]

// watchPage calls crashed when the process that shows the page ends by itself. Wails does not look at this, and the window would stay
// empty: without a process no script of Wails runs there either.
func watchPage(crashed func()) {
	pageCrashed.Store(&crashed)
	C.gh_begin()
}

//export gatehousePageCrashed
func gatehousePageCrashed() {
	if f := pageCrashed.Load(); f != nil {
		go (*f)()
	}
}

// loadPage goes back to the splash page, with a new process for it.
func loadPage() { C.gh_again() }
