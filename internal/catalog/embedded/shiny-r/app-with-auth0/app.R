# Greets who is logged in and shows a data set. The login happens in front of the app: see README.md.

library(shiny)
library(bslib)

ui <- page_fluid(
  theme = bs_theme(version = 5),
  title = "Shiny with Auth0",
  div(
    class = "d-flex justify-content-between py-3",
    textOutput("user", inline = TRUE),
    tags$a("Log out", href = "/logout")
  ),
  h1("Cars of 1974"),
  fluidRow(
    column(4, selectInput("x", "Across", names(mtcars), selected = "wt")),
    column(4, selectInput("y", "Up", names(mtcars), selected = "mpg"))
  ),
  plotOutput("plot")
)

# The proxy in front of the app sets the header X-Auth-Name and removes one that a browser sends. An app that is
# started without the proxy has no user.
user_of <- function(session) {
  user <- session$request$HTTP_X_AUTH_NAME
  encoded <- session$request$HTTP_X_AUTH_NAME_ENCODED # only for names that are not ASCII
  if (!is.null(encoded) && nzchar(encoded)) {
    user <- utils::URLdecode(encoded)
    Encoding(user) <- "UTF-8"
  }
  if (is.null(user) || !nzchar(user)) "Anonymous" else user
}

server <- function(input, output, session) {
  output$user <- renderText(paste("Logged in as", user_of(session)))

  output$plot <- renderPlot({
    plot(mtcars[[input$x]], mtcars[[input$y]], xlab = input$x, ylab = input$y, pch = 19, col = "#2563eb", cex = 1.5)
  })
}

shinyApp(ui, server)
