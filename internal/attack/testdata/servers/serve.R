# Answer every request, and every WebSocket, with all that httpuv shows an app of its headers, as Shiny gets it in
# session$request. The port that was free is printed. The answer is JSON: a list of [name, value].
library(httpuv)

seen <- function(req) {
  pairs <- list()
  for (name in ls(req, all.names = TRUE)) {
    value <- req[[name]]
    if (is.character(value)) {
      label <- if (is.null(names(value))) rep("", length(value)) else names(value)
      for (i in seq_along(value)) {
        pairs[[length(pairs) + 1]] <- list(paste0(name, if (nzchar(label[i])) paste0("$", label[i]) else ""), value[[i]])
      }
    }
  }
  as.character(jsonlite::toJSON(pairs, auto_unbox = TRUE))
}

app <- list(
  call = function(req) {
    list(status = 200L, headers = list("Content-Type" = "application/json", "X-App" = "yes"), body = seen(req))
  },
  onWSOpen = function(ws) {
    ws$send(seen(ws$request))
    ws$close()
  }
)

port <- randomPort(min = 20000L, max = 40000L, host = "127.0.0.1")
server <- startServer("127.0.0.1", port, app)
cat(port, "\n", sep = "")
flush(stdout())
repeat service(1000)
