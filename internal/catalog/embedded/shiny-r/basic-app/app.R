# Shows a sample of a normal distribution, drawn again when a setting changes.

library(shiny)
library(bslib)

ui <- page_fluid(
  theme = bs_theme(version = 5),
  title = "A sample",
  uiOutput("logout"),
  h1("A sample"),
  sidebarLayout(
    sidebarPanel(
      sliderInput("size", "Values", min = 10, max = 5000, value = 500, step = 10),
      sliderInput("mean", "Mean", min = -5, max = 5, value = 0, step = 0.5),
      sliderInput("sd", "Standard deviation", min = 0.5, max = 5, value = 1.5, step = 0.5),
      actionButton("again", "Draw again")
    ),
    mainPanel(
      plotOutput("histogram"),
      verbatimTextOutput("summary")
    )
  )
)

server <- function(input, output, session) {
  # The header is set by a login in front of the app.
  output$logout <- renderUI({
    user <- session$request$HTTP_X_AUTH_NAME
    if (!is.null(user) && nzchar(user)) tags$a("Log out", href = "/logout")
  })

  # Both outputs show the same values: a reactive is computed once for all that read it.
  values <- reactive({
    input$again
    rnorm(input$size, input$mean, input$sd)
  })

  output$histogram <- renderPlot({
    hist(values(), breaks = 40, xlim = c(-15, 15), col = "#2563eb", border = "white", main = NULL, xlab = "value")
  })

  output$summary <- renderPrint(summary(values()))
}

shinyApp(ui, server)
