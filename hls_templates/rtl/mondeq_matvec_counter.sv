// Walks the groups of a matrix, column groups innermost; one step per cycle in which step_i is high.
module mondeq_matvec_counter #(
  parameter int RowGroups = 1,
  parameter int ColumnGroups = 1,
  localparam int Groups = RowGroups * ColumnGroups,
  localparam int RowBits = (RowGroups > 1) ? $clog2(RowGroups) : 1,
  localparam int ColumnBits = (ColumnGroups > 1) ? $clog2(ColumnGroups) : 1,
  localparam int AddressBits = (Groups > 1) ? $clog2(Groups) : 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   step_i,
  input  logic                   skip_columns_i,  // one step per row group instead of one per group
  output logic [RowBits-1:0]     row_o,
  output logic [ColumnBits-1:0]  column_o,
  output logic [AddressBits-1:0] address_o,
  output logic                   first_column_o,
  output logic                   last_column_o,
  output logic                   last_row_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (RowGroups < 1 || ColumnGroups < 1) begin : g_wrong_groups
    mondeq_error_no_groups_to_count u_error ();
  end

  // Flags are registers, compared a step ahead: what hangs on them begins at once.
  logic last_column_q;

  assign last_column_o = skip_columns_i || last_column_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_o <= '0;
      column_o <= '0;
      address_o <= '0;
      first_column_o <= 1'b1;
      last_column_q <= ColumnGroups == 1;
      last_row_o <= RowGroups == 1;
    end else if (step_i) begin
      column_o       <= last_column_o ? '0 : column_o + 1'b1;
      address_o      <= (last_column_o && last_row_o) ? '0 : address_o + 1'b1;
      first_column_o <= last_column_o;
      last_column_q  <= last_column_o ? (ColumnGroups == 1) : (column_o == ColumnBits'(ColumnGroups - 2));
      if (last_column_o) begin
        row_o      <= last_row_o ? '0 : row_o + 1'b1;
        last_row_o <= last_row_o ? (RowGroups == 1) : (row_o == RowBits'(RowGroups - 2));
      end
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_range (
    .clk_i,
    .rst_ni,
    .holds_i((int'(row_o) < RowGroups) && (int'(column_o) < ColumnGroups) && (int'(address_o) < Groups))
  );
  mondeq_assert u_first_column (.clk_i, .rst_ni, .holds_i(first_column_o == (column_o == '0)));
  mondeq_assert u_last_column (.clk_i, .rst_ni, .holds_i(last_column_q == (int'(column_o) == ColumnGroups - 1)));
  mondeq_assert u_last_row (.clk_i, .rst_ni, .holds_i(last_row_o == (int'(row_o) == RowGroups - 1)));
`endif

endmodule
