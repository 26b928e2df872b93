// First-in first-out buffer of packets: what is written can be read once it is committed, or is forgotten.
// The memory is read into a register, as block RAM wants.
module mondeq_packet_fifo #(
  parameter int Width = 8,
  parameter int PacketWords = 1,
  parameter int Packets = 2
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             rewind_i,  // forget what is not committed
  input  logic             write_i,
  input  logic [Width-1:0] data_i,
  input  logic             commit_i,
  output logic             room_o,    // for one more packet
  output logic             valid_o,
  output logic [Width-1:0] data_o,
  input  logic             ready_i
);

  localparam int AddressBits = $clog2(Packets * PacketWords);
  localparam int Depth = 2 ** AddressBits;
  localparam int CountBits = AddressBits + 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (Width < 1 || PacketWords < 1 || Packets < 1 || Packets * PacketWords < 2) begin : g_wrong_size
    mondeq_error_packet_fifo_size u_error ();
  end

  // One bit more than the address tells full from empty.
  logic [CountBits-1:0] write_q, commit_q, read_q;
  logic [Width-1:0] memory[Depth];
  logic fetch;

  assign room_o = CountBits'(commit_q - read_q) <= CountBits'(Depth - PacketWords);
  assign fetch  = (commit_q != read_q) && (!valid_o || ready_i);

  always_ff @(posedge clk_i) begin
    if (write_i) memory[write_q[AddressBits-1:0]] <= data_i;
    if (fetch) data_o <= memory[read_q[AddressBits-1:0]];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q  <= '0;
      commit_q <= '0;
      read_q   <= '0;
      valid_o  <= 1'b0;
    end else begin
      if (rewind_i) write_q <= commit_q;
      if (write_i) write_q <= write_q + 1'b1;
      if (commit_i) commit_q <= write_q;
      if (fetch) read_q <= read_q + 1'b1;
      if (fetch || ready_i) valid_o <= fetch;
    end
  end

`ifdef MONDEQ_ASSERT
  logic stalled_q;
  logic [Width-1:0] offered_q;

  always_ff @(posedge clk_i) begin
    stalled_q <= rst_ni && valid_o && !ready_i;
    offered_q <= data_o;
  end
  mondeq_assert u_no_overrun (.clk_i, .rst_ni, .holds_i(!write_i || (int'(CountBits'(write_q - read_q)) < Depth)));
  mondeq_assert u_no_underrun (.clk_i, .rst_ni, .holds_i(int'(CountBits'(commit_q - read_q)) <= Depth));
  mondeq_assert u_one_packet (.clk_i, .rst_ni, .holds_i(int'(CountBits'(write_q - commit_q)) <= PacketWords));
  mondeq_assert u_stable (.clk_i, .rst_ni, .holds_i(!stalled_q || (valid_o && (data_o == offered_q))));
`endif

endmodule
